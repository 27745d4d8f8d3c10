"""A book with every key, its default, and what it means: YAML with comments."""

from typing import Any

import yaml
from pydantic import BaseModel

from contango_research.book import Book
from contango_research.configuration.declared import Row, section_rows
from contango_signals.params import DEMO
from contango_signals.strategies.registry import STRATEGIES

WIDTH = 118


def template(strategies: tuple[str, ...] = DEMO) -> str:
    """The defaults as a file; ``strategies`` are written out with all their parameters."""
    lines = ["# A book: every parameter that decides, with its default. Keys may be left out.", ""]
    lines += _lines(Book, Book().model_dump(mode="json"), "", 0, strategies)
    return "\n".join(lines) + "\n"


def _lines(
    model: type[BaseModel], values: dict[str, Any], prefix: str, depth: int, names: tuple[str, ...]
) -> list[str]:
    pad, out = "  " * depth, []
    direct = {row.key: row for row in section_rows(model)}
    for name, field in model.model_fields.items():
        inner, value = field.annotation, values[name]
        if name == "strategies" and prefix == "signals.":
            out += [*_comment(direct[name], pad), f"{pad}strategies:"]
            for strategy in names:
                params = STRATEGIES[strategy].params
                out += [f"{pad}  # {STRATEGIES[strategy].meaning}", f"{pad}  {strategy}:"]
                out += _lines(params, params().model_dump(mode="json"), f"{name}.{strategy}.", depth + 2, names) or [
                    f"{pad}    {{}}"
                ]
        elif isinstance(inner, type) and issubclass(inner, BaseModel):
            out += ["", f"{pad}# {field.description}"] if field.description else [""]
            out += [f"{pad}{name}:", *_lines(inner, value, f"{name}.", depth + 1, names)]
        else:
            out += [*_comment(direct[name], pad), f"{pad}{name}: {_yaml(value)}"]
    return out


def _comment(row: Row, pad: str) -> list[str]:
    """Meaning, then what it takes, in one comment that is folded at the page's width."""
    parts = [
        row.meaning,
        f"[{row.type}]" + (f" {row.range}" if row.range else "") + (f" {row.unit}" if row.unit else ""),
    ]
    words, lines, line = " ".join(p for p in parts if p).split(), [], f"{pad}#"
    for word in words:
        if len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = f"{pad}#"
        line += f" {word}"
    return [*lines, line]


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=100_000, allow_unicode=True)
    return text.replace("\n...", "").strip()
