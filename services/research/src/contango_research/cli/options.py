"""Options that several commands share, and how their text becomes values."""

from datetime import date as Date
from pathlib import Path
from typing import Annotated

import typer

from contango_common.domain.errors import UserError

CATALOG = Path("catalog")
CRYPTO_CATALOG = Path("catalog-crypto")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="The book (YAML). Without it: the demo's defaults.")
]
CatalogOption = Annotated[Path, typer.Option("--catalog", help="Catalog folder; 'contango data sample' makes one.")]
StartOption = Annotated[
    str | None, typer.Option("--start", help="First day of trading, YYYY-MM-DD; earlier data is folded as warm-up.")
]
EndOption = Annotated[str | None, typer.Option("--end", help="Last day, YYYY-MM-DD.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Run directory to write; an older run there is replaced.")]


def day(text: str | None, option: str) -> int | None:
    """2018-03-02 as 20180302. UserError when it is no date."""
    if text is None:
        return None
    try:
        return int(Date.fromisoformat(text).strftime("%Y%m%d"))
    except ValueError:
        raise UserError(f"{option} {text!r} is no date: write YYYY-MM-DD") from None
