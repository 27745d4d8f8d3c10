"""What the folds may do is read from their source: no clock, no chance, no I/O, no order that a hash decides.

All modules of the house that a fold imports, however far, are parsed. Each rule is shown to fail on a planted line.
"""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDS = (
    "contango_signals.fold",
    "contango_risk.fold",
    "contango_execution.fold",
    "contango_execution.venue",
    "contango_inference.oracle",
)
BANNED_IMPORTS = frozenset(
    [
        "asyncio",
        "time",
        "random",
        "secrets",
        "uuid",
        "os",
        "sys",
        "io",
        "pathlib",
        "threading",
        "multiprocessing",
        "concurrent",
        "socket",
        "subprocess",
        "nats",
        "psycopg",
        "httpx",
        "requests",
        "torch",
        "pandas",
        "pyarrow",
        "sklearn",
        "exchange_calendars",
        "contango_common.runtime",
        "contango_common.edge",
        "contango_research",
        "contango_gateway",
        "contango_recorder",
        "contango_market_data",
        "numpy.random",
    ]
)
# An oracle may fit with a library that is not exact, inside the function that fits: its answer is a fact.
FITS = frozenset(["contango_inference.direction.fit"])
BANNED_CALLS = frozenset(["hash", "id", "open", "input", "eval", "exec", "globals", "__import__"])
CLOCKS = frozenset(
    [
        "now",
        "utcnow",
        "today",
        "fromtimestamp",
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
    ]
)
CLOCK_OWNERS = frozenset(["datetime", "date", "dt", "time", "_time"])
MODES = frozenset({"backtest", "paper", "live"})
ORDERED = frozenset(["sorted", "len", "sum", "min", "max", "any", "all", "frozenset", "set", "bool"])
SET_METHODS = frozenset(["union", "intersection", "difference", "symmetric_difference"])


def module_file(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def imports_of(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported: ``from a import b`` gives ``a`` and ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], base]).rstrip(".")
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _is_house(name: str) -> bool:
    return name.startswith("contango_")


def reachable(starts: tuple[str, ...]) -> dict[str, Path]:
    """Modules of the house that ``starts`` import, however far, packages on the way included."""
    found: dict[str, Path] = {}
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name in found or not _is_house(name):
            continue
        try:
            path = module_file(name)
        except ModuleNotFoundError:
            path = None  # a name inside a module, not a module
        if path is None:
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        waiting.append(name.rpartition(".")[0])
        waiting += [imported for _, imported in imports_of(ast.parse(path.read_text()), package)]
    return found


def _banned(name: str) -> bool:
    return any(name == banned or name.startswith(f"{banned}.") for banned in BANNED_IMPORTS)


def bad_imports(tree: ast.AST, package: str = "") -> list[str]:
    return [f"line {line}: imports {name}" for line, name in imports_of(tree, package) if _banned(name)]


def _owner(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def bad_calls(tree: ast.AST) -> list[str]:
    """Calls of ``hash``, ``id`` and the like, of clocks, and any use of numpy's random numbers."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
            found.append(f"line {node.lineno}: calls {node.func.id}()")
        if isinstance(node, ast.Attribute):
            owner = _owner(node.value)
            if owner in CLOCK_OWNERS and node.attr in CLOCKS:
                found.append(f"line {node.lineno}: reads a clock: {owner}.{node.attr}")
            if node.attr == "random" and owner in ("np", "numpy"):
                found.append(f"line {node.lineno}: uses {owner}.random")
    return found


def _is_set(node: ast.expr, names: frozenset[str] = frozenset()) -> bool:
    """Whether the expression is visibly a set (``names``: variables that are)."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name):
            return node.func.id in ("set", "frozenset")
        return (
            isinstance(node.func, ast.Attribute) and node.func.attr in SET_METHODS and _is_set(node.func.value, names)
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        return _is_set(node.left, names) or _is_set(node.right, names) or _keys(node.left) or _keys(node.right)
    if isinstance(node, ast.IfExp):
        return _is_set(node.body, names) or _is_set(node.orelse, names)
    return False


def _keys(node: ast.expr) -> bool:
    """``d.keys() - other`` is a set."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "items")


def _set_annotation(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("set", "frozenset", "Set", "AbstractSet", "MutableSet")


def set_names(tree: ast.AST) -> frozenset[str]:
    """Variables and parameters that hold a set somewhere in the module: by annotation or by what is assigned."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_set(node.value):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _set_annotation(node.annotation):
            found.add(node.target.id)
        elif isinstance(node, ast.arg) and _set_annotation(node.annotation):
            found.add(node.arg)
    return frozenset(found)


# What looks at the elements one by one, in whatever order they come.
WALKERS = frozenset(["list", "tuple", "iter", "next", "enumerate", "map", "filter", "zip", "reversed", "dict", "sum"])


def bad_iterations(tree: ast.AST) -> list[str]:
    names = set_names(tree)
    found = []
    # A set made from a set, or an order put on it, hides the order it was walked in.
    excused = {
        id(generator)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ORDERED - {"sum"}
        for argument in node.args
        if isinstance(argument, ast.GeneratorExp | ast.ListComp)
        for generator in argument.generators
    } | {id(generator) for node in ast.walk(tree) if isinstance(node, ast.SetComp) for generator in node.generators}
    for node in ast.walk(tree):
        walked: list[ast.expr] = []
        if isinstance(node, ast.For) or (isinstance(node, ast.comprehension) and id(node) not in excused):
            walked = [node.iter]
        elif isinstance(node, ast.Starred):
            walked = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WALKERS:
            walked = list(node.args)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("join", "extend"):
                walked = list(node.args)
            elif node.func.attr == "pop" and not node.args and _is_set(node.func.value):
                walked = [node.func.value]
        found += [f"line {expr.lineno}: walks a set" for expr in walked if _is_set(expr, names)]
    return found


def _texts(node: ast.expr) -> set[object]:
    if isinstance(node, ast.Constant):
        return {node.value}
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return {value for element in node.elts for value in _texts(element)}
    return set()


def _asks_for_a_mode(node: ast.expr) -> bool:
    """``mode``, ``self.mode``, ``run_mode``, ``settings["mode"]``, ``config.get("environment")`` …"""
    if isinstance(node, ast.Subscript):
        return bool(_texts(node.slice) & {"mode", "runtime", "environment"}) or _asks_for_a_mode(node.value)
    if isinstance(node, ast.Call):
        return _asks_for_a_mode(node.func) or any(_texts(a) & {"mode", "runtime", "environment"} for a in node.args)
    words = _owner(node).lower().split("_")
    return bool({"mode", "runtime", "environment", "env"} & set(words))


def bad_modes(tree: ast.AST) -> list[str]:
    """Comparisons that ask in which runtime the code is: any with "backtest" or "paper", and of a mode with "live"."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            texts = {text for side in sides for text in _texts(side)} & MODES
            if texts - {"live"} or (texts and any(_asks_for_a_mode(side) for side in sides)):
                found.append(f"line {node.lineno}: asks for the mode")
        elif isinstance(node, ast.Match):
            cases = {
                pattern.value.value
                for case in node.cases
                for pattern in ast.walk(case.pattern)
                if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant)
            }
            if cases & (MODES - {"live"}) or (cases & MODES and _asks_for_a_mode(node.subject)):
                found.append(f"line {node.lineno}: asks for the mode")
    return found


def problems(tree: ast.AST, package: str) -> list[str]:
    return bad_imports(tree, package) + bad_calls(tree) + bad_iterations(tree)


MODULES = reachable(FOLDS)


def test_the_folds_and_what_they_stand_on_are_found():
    assert set(FOLDS) <= set(MODULES)
    assert {"contango_common.domain.at", "contango_common.events.base", "contango_quant.pricing.black"} <= set(MODULES)
    assert len(MODULES) > 40


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_below_a_fold_is_pure(name):
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = problems(ast.parse(path.read_text()), package)
    assert [problem for problem in found if name not in FITS or "imports sklearn." not in problem] == []


def sources_below_research() -> list[Path]:
    found = [path for part in ("libs", "services") for path in (ROOT / part).glob("*/src/**/*.py")]
    return [path for path in found if "contango_research" not in path.parts]


def test_nothing_below_research_asks_for_the_mode():
    sources = sources_below_research()
    assert len(sources) > 100
    found = {str(path.relative_to(ROOT)): bad_modes(ast.parse(path.read_text())) for path in sources}
    assert {path: lines for path, lines in found.items() if lines} == {}


PLANTED_IMPORTS = [
    "import asyncio",
    "import time as t",
    "from random import random",
    "import os.path",
    "from contango_common import runtime",
    "from contango_common.runtime.log import Message",
    "from contango_common.edge import clock",
    "from numpy.random import default_rng",
    "from numpy import random",
    "import numpy.random",
    "def f():\n    import uuid",
    "import pandas as pd",
    "from torch.nn import Module",
]
PLANTED_CALLS = [
    "x = hash('a')",
    "x = {id(y): y}",
    "from datetime import datetime\nx = datetime.now()",
    "import datetime\nx = datetime.datetime.utcnow()",
    "from datetime import date\nx = date.today()",
    "x = time.time_ns()",
    "x = dt.datetime.now(dt.UTC)",
    "x = np.random.default_rng(1)",
    "clock = time.monotonic",
]
PLANTED_ITERATIONS = [
    "for x in {1, 2}: pass",
    "for x in set(y): pass",
    "z = [x for x in frozenset(y)]",
    "z = {x: 1 for x in {a for a in y}}",
    "z = tuple(set(y))",
    "z = list({1, 2} | w)",
    "z = ','.join({a for a in y})",
    "z = [*set(y)]",
    "s = set(y)\nfor x in s: pass",
    "def f(s: frozenset[str]):\n    return [x for x in s]",
    "s: set[int] = set()\nz = next(iter(s))",
    "z = sum({0.1, 0.2, 0.3})",
    "z = sum(x for x in set(y))",
    "z = set(y).pop()",
    "for k in d.keys() - e: pass",
    "for k in set(y).union(z): pass",
    "for i, k in enumerate(set(y)): pass",
]
PLANTED_MODES = [
    "if mode == 'backtest': pass",
    "x = 1 if self.mode != 'live' else 2",
    "if settings['mode'] in ('paper', 'live'): pass",
    "x = run_mode == 'live'",
    "x = 'paper' == kind",
    "x = config.get('environment') == 'live'",
    "match mode:\n    case 'live': pass",
    "match kind:\n    case 'paper' | 'x': pass",
]


@pytest.mark.parametrize("source", PLANTED_IMPORTS)
def test_a_planted_import_is_found(source):
    assert bad_imports(ast.parse(source))


@pytest.mark.parametrize("source", PLANTED_CALLS)
def test_a_planted_call_is_found(source):
    assert bad_calls(ast.parse(source))


@pytest.mark.parametrize("source", PLANTED_ITERATIONS)
def test_a_planted_walk_over_a_set_is_found(source):
    assert bad_iterations(ast.parse(source))


@pytest.mark.parametrize("source", PLANTED_MODES)
def test_a_planted_question_for_the_mode_is_found(source):
    assert bad_modes(ast.parse(source))


def test_a_relative_import_is_resolved():
    found = bad_imports(ast.parse("from ..runtime import log\nfrom . import base"), "contango_common.events")
    assert found == ["line 1: imports contango_common.runtime", "line 1: imports contango_common.runtime.log"]


def test_an_impure_module_far_below_is_reached():
    assert "contango_common.runtime.nats" in reachable(
        ("contango_common.runtime.lockstep", "contango_common.runtime.nats")
    )
    below = reachable(("contango_common.runtime.shell",))
    assert problems(ast.parse(below["contango_common.runtime.shell"].read_text()), "contango_common.runtime")
    assert "contango_common.domain.blocks" in below


@pytest.mark.parametrize(
    "source",
    [
        "for x in sorted(set(y)): pass",
        "for x in [1, 2]: pass",
        "z = x in {1, 2}",
        "z = len(set(y)) == len(y)",
        "z = {a for a in set(y)}",
        "z = any(a > 1 for a in set(y))",
        "z = sorted(a for a in {1, 2})",
        "z = x - y",
        "for k in d.keys(): pass",
        "from datetime import date\nz = date(2018, 1, 1).toordinal()",
        "if event.state == 'live': pass",
        "z = state.feeds.get(name, 'live') != 'live'",
        "import math, bisect, numpy\nfrom contango_common.domain import at",
        "z = position.id",
    ],
)
def test_what_is_allowed_is_not_found(source):
    tree = ast.parse(source)
    assert problems(tree, "") + bad_modes(tree) == []
