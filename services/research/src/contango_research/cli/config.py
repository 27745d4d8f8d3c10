"""`contango config …`: check a book, print a template, print the guide."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Books: check one, print a template or the guide of every key.", no_args_is_help=True)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="The book (YAML).")]) -> None:
    """Validate a book. What is wrong is named by key, value and range; rules that can never be true are printed."""
    from contango_research.book import load_book
    from contango_research.reach import dead_rules

    book = load_book(file)
    found = dead_rules(book)
    for line in found:
        print(f"dead rule: {line}")
    print(f"{file}: valid; strategies {', '.join(book.signals.strategies) or 'none'}; {len(found)} dead rules")


@app.command()
def template(
    strategy: Annotated[
        list[str] | None, typer.Option("--strategy", "-s", help="Strategies to write out; repeat. None: the demo's.")
    ] = None,
) -> None:
    """Print a book with every key, its default, range, unit and meaning."""
    from contango_common.domain.errors import UserError
    from contango_research.configuration.template import template as made
    from contango_signals.params import DEMO
    from contango_signals.strategies.registry import STRATEGIES

    for name in strategy or ():
        if name not in STRATEGIES:
            raise UserError(f"--strategy {name!r}: there are {', '.join(STRATEGIES)}")
    print(made(tuple(strategy or DEMO)), end="")


@app.command()
def guide() -> None:
    """Print the guide of every key as Markdown (docs/configuration.md)."""
    from contango_research.configuration.guide import guide as made

    print(made(), end="")
