"""American options: exercise at any time up to expiry."""
