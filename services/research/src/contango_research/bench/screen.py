"""The results on the terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from contango_research.bench.result import Result, number, spread


def results_table(results: Sequence[Result]) -> Group:
    """Figure, median, spread and what stands beside it; below, what bounds each figure."""
    table = Table(title="contango bench", title_justify="left", header_style="bold", pad_edge=False)
    table.add_column("figure", no_wrap=True)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("spread", justify="right", style="dim", no_wrap=True)
    table.add_column("beside")
    table.add_column("ratio", justify="right", no_wrap=True)
    for result in results:
        table.add_row(
            result.name,
            number(result.value),
            result.unit,
            spread(result.samples),
            _beside(result),
            "" if result.ratio is None else f"{result.ratio:.2f}×",
        )
    return Group(table, *remarks(results))


def remarks(results: Iterable[Result]) -> list[Text]:
    """One line for each figure that has something to say."""
    lines = []
    for result in results:
        words = [f"bound by {result.bound_by}" if result.bound_by else "", result.note or ""]
        if any(words):
            lines.append(Text(f"{result.name}: {'; '.join(word for word in words if word)}", style="dim"))
    return lines


def _beside(result: Result) -> str:
    if result.beside is None:
        return ""
    return f"{result.beside}: {number(result.beside_value)}" if result.beside_value is not None else result.beside
