"""The configuration guide as Markdown, made from the declarations; ``docs/configuration.md`` is its output."""

from collections.abc import Mapping
from typing import Any

import yaml

from contango_research.configuration.declared import Row, rows
from contango_research.presets import PRESETS, STYLES
from contango_signals.names import ALWAYS_ON, FEATURES, SHIPPED
from contango_signals.regimes.labels import mapping_rows
from contango_signals.strategies.registry import STRATEGIES

HEAD = """# Configuration

*Made by `contango config guide` from the declarations in the code; a test holds the two equal. Do not edit it here.*

A **book** is one YAML file with every parameter that decides. What is not in it has its default. An unknown key, or a
value out of range, is refused at start by key, value and range. Ports, paths and credentials are not in a book.

```sh
contango config template > my-book.yaml   # every key with its default, range, unit and meaning
contango config check my-book.yaml        # validates, and prints rules that can never be true
contango backtest --config my-book.yaml
```

`tune` is the range worth searching when a parameter is optimised; it lies inside the range that is accepted.
"""


def guide() -> str:
    """The whole document."""
    return "\n".join([HEAD, *_styles(), *_features(), *_strategies(), *_regimes(), *_keys()]) + "\n"


def _styles() -> list[str]:
    lines = [
        "## Styles of trading",
        "",
        "Begin a book with `presets: [conservative]` (or another) and change what you want.",
        "",
    ]
    lines += ["| preset | what it is |", "|---|---|"]
    lines += [f"| `{name}` | {preset.meaning} |" for name, preset in PRESETS.items()]
    lines += ["", "Recommended settings, beside the defaults:", ""]
    chosen = {style: _flat(PRESETS[style].overrides) for style in STYLES}
    keys = list(dict.fromkeys(key for style in STYLES for key in chosen[style]))
    defaults = {row.key: row.default for row in rows()}
    defaults |= {f"signals.switches.{name}": SHIPPED.get(name, "on") for name in FEATURES}
    lines += ["| key | conservative | balanced | active |", "|---|---|---|---|"]
    for key in keys:
        cells = [_cell(chosen[style].get(key, defaults.get(key))) for style in STYLES]
        lines.append(f"| `{key}` | {' | '.join(cells)} |")
    return [*lines, ""]


def _features() -> list[str]:
    lines = [
        "## Switches",
        "",
        "Every feature and every strategy is `off`, in `shadow` (it computes and records what it would have done) or",
        "`on`: under `signals.switches`, and while it runs by the gateway's command. A feature that raises is switched",
        "off with its reason; everything else goes on.",
        "",
        "| feature | shipped | what it is |",
        "|---|---|---|",
    ]
    lines += [f"| `{name}` | {SHIPPED.get(name, 'on')} | {meaning} |" for name, meaning in FEATURES.items()]
    lines += ["", f"Gates that no book may switch off: {', '.join(f'`{g}`' for g in sorted(ALWAYS_ON))}.", ""]
    return lines


def _strategies() -> list[str]:
    lines = ["## Strategies", "", "| strategy | for | looks at | it … |", "|---|---|---|---|"]
    lines += [f"| `{s.name}` | {s.module} | {s.on} | {s.meaning} |" for s in STRATEGIES.values()]
    return [*lines, ""]


def _regimes() -> list[str]:
    head, *body = mapping_rows()
    lines = ["## Regimes", "", "The detectors' labels, read from one into another by this table:", ""]
    lines += [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in body]
    return [*lines, ""]


def _keys() -> list[str]:
    lines = ["## Every key", ""]
    groups: dict[str, list[Row]] = {}
    for row in rows():
        groups.setdefault(row.key.rpartition(".")[0], []).append(row)
    for group, members in groups.items():
        lines += [f"### `{group}`" if group else "### the book itself", ""]
        lines += ["| key | takes | default | range | unit | tune | meaning |", "|---|---|---|---|---|---|---|"]
        for row in members:
            cells = (row.type, _cell(row.default), row.range, row.unit, row.tune, row.meaning)
            lines.append(f"| `{row.key.rpartition('.')[2]}` | {' | '.join(_escaped(c) for c in cells)} |")
        lines.append("")
    return lines


def _flat(overrides: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in overrides.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found


def _cell(value: Any) -> str:
    """As it would stand in the file, on one line."""
    if isinstance(value, str):
        return value or '""'
    return " ".join(yaml.safe_dump(_plain(value), default_flow_style=True, width=10_000).replace("...", "").split())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
