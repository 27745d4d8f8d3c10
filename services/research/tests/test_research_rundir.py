"""A run's directory: complete or not there, the same bytes for the same log, and true to the log."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from contango_common.domain.errors import UserError
from contango_common.runtime.canon import digest, read_canonical
from contango_common.runtime.log import Message
from contango_research import rundir
from contango_research.manifest import cpu_flags, environment
from contango_research.rundir import check_out, write_run
from contango_research.workplace import workplace
from support.research_log import Deal, run_of

DEALS = [
    Deal(4, 4, 3, 900_000_000, 200_000_001, 1_300_000),
    Deal(6, 5, 2, 700_000_000, 999_000_000, 1_000, settled=True),
    Deal(9, 3, 2, 700_000_000, 0, 0, reason="stop"),
]
PARAMS: dict[str, Any] = {"name": "lab", "notes": ["a note of the book"], "signals": {"sessions_per_year": 252}}
FILES = ("summary.json", "trades.csv", "equity.csv", "decisions.jsonl", "log.jsonl.gz", "book.yaml", "report.html")


def write(out: Path, log: list[Message], **change: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "book_params": PARAMS,
        "notes": ["REAL: nothing"],
        "wall_s": 2.0,
        "block_dir": out.parent / "blocks",
        "command": "contango backtest",
    }
    return write_run(out, log, **given | change)


def test_everything_is_there_and_nothing_is_left_beside(tmp_path: Path) -> None:
    summary = write(tmp_path / "run", run_of(DEALS))
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == sorted([*FILES, "manifest.json"])
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert json.loads((tmp_path / "run" / "summary.json").read_bytes()) == summary
    assert yaml.safe_load((tmp_path / "run" / "book.yaml").read_text()) == PARAMS
    assert summary["trades"] == 3


def test_the_same_log_gives_the_same_bytes(tmp_path: Path) -> None:
    log = run_of(DEALS)
    write(tmp_path / "a", log)
    write(tmp_path / "b", log, wall_s=9.0, command="another command")
    for name in FILES:
        one, two = ((tmp_path / run / name).read_bytes() for run in "ab")
        if name == "summary.json":
            a, b = json.loads(one), json.loads(two)
            changed = {key for key in a if a[key] != b[key]}
            assert changed == {"wall_s", "frames_per_s"}
        else:
            assert one == two, name


def test_the_canonical_log_makes_the_same_directory_again(tmp_path: Path) -> None:
    log = run_of(DEALS)
    first = write(tmp_path / "a", log)
    again = write(tmp_path / "b", list(read_canonical(tmp_path / "a" / "log.jsonl.gz")))
    assert first == again
    assert first["digest"] == digest(log)
    for name in ("trades.csv", "equity.csv", "decisions.jsonl", "log.jsonl.gz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_one_changed_character_changes_the_digest(tmp_path: Path) -> None:
    log = run_of(DEALS)
    at = len(log) // 2
    other = Message(log[at].seq, log[at].subject, log[at].data.replace(b"14", b"15", 1))
    assert write(tmp_path / "a", log)["digest"] != write(tmp_path / "b", [*log[:at], other, *log[at + 1 :]])["digest"]


def test_manifest_names_every_file_and_the_machine(tmp_path: Path) -> None:
    write(tmp_path / "run", run_of(DEALS), command="contango backtest --out run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_bytes())
    assert set(manifest["files"]) == set(FILES)
    for name, expected in manifest["files"].items():
        assert hashlib.sha256((tmp_path / "run" / name).read_bytes()).hexdigest() == expected
    assert manifest["environment"] == environment()
    assert manifest["environment"]["numpy"]
    assert manifest["environment"]["contango-common"]
    assert manifest["builds"] == ["b1"]
    assert manifest["command"] == "contango backtest --out run"
    assert manifest["block_store"] is None


def test_blocks_come_along(tmp_path: Path) -> None:
    store = tmp_path / "elsewhere" / "blocks"
    store.mkdir(parents=True)
    (store / "20140106").write_bytes(b"block")
    for _ in range(2):
        write(tmp_path / "run", run_of(DEALS), block_dir=store)
        assert (tmp_path / "run" / "blocks" / "20140106").read_bytes() == b"block"
    assert json.loads((tmp_path / "run" / "manifest.json").read_bytes())["block_store"] == "blocks"
    write(tmp_path / "run", run_of(DEALS), block_dir=tmp_path / "run" / "blocks")
    assert (tmp_path / "run" / "blocks" / "20140106").read_bytes() == b"block"


def test_only_runs_are_replaced(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    write(out, run_of(DEALS))
    assert write(out, run_of())["trades"] == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    for name in ("mine", "file"):
        with pytest.raises(UserError, match=name):
            check_out(tmp_path / name)
        with pytest.raises(UserError, match="--out"):
            write(tmp_path / name, run_of())
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("inside", [b"{}", b'{"kind":"other"}', b"no json"])
def test_a_manifest_that_is_not_ours_is_found_before_the_run_and_not_after_it(tmp_path: Path, inside: bytes) -> None:
    out = tmp_path / "extension"
    out.mkdir()
    (out / "manifest.json").write_bytes(inside)
    with pytest.raises(UserError, match="extension"), workplace(out):
        pytest.fail("the run was begun")
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(UserError, match="link"), workplace(tmp_path / "link"):
        pytest.fail("the run was begun")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extension", "link"]


def test_a_failure_leaves_the_old_run_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    write(out, run_of(DEALS))
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fails(*_: object) -> str:
        raise RuntimeError("planted")

    monkeypatch.setattr(rundir, "render", fails)
    with pytest.raises(RuntimeError, match="planted"):
        write(out, run_of())
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_tables_say_what_the_log_says(tmp_path: Path) -> None:
    summary = write(tmp_path / "run", run_of(DEALS))
    trades = list(csv.DictReader((tmp_path / "run" / "trades.csv").open()))
    assert [t["pnl_usd"] for t in trades] == ["697.399999", "-299.001", "700.00"]
    assert [t["exit_reason"] for t in trades] == ["profit", "expiry", "stop"]
    assert all(t["entry.vix"] == "15.0" and t["entry.iv_rank"] == "" for t in trades)
    equity = list(csv.DictReader((tmp_path / "run" / "equity.csv").open()))
    assert len(equity) == 32
    assert all(abs(float(e["equity_usd"]) - float(e["cash_usd"]) - float(e["mid_usd"])) < 1e-6 for e in equity)
    assert float(equity[-1]["equity_usd"]) == summary["final_equity_usd"]


def test_every_decision_is_a_line_with_its_reasons(tmp_path: Path) -> None:
    summary = write(tmp_path / "run", run_of(DEALS))
    lines = [json.loads(line) for line in (tmp_path / "run" / "decisions.jsonl").read_text().splitlines()]
    refused = [action for line in lines for action in line["actions"] if action["what"] == "refused"]
    assert len(refused) == summary["refused"]
    assert all(action["reasons"] for action in refused)
    assert [line["ts_ns"] for line in lines] == sorted({line["ts_ns"] for line in lines})
    done = [action["what"] for line in lines for action in line["actions"]]
    assert done.count("closed") == 3
    assert done.count("proposed") == 3


def test_a_message_that_is_no_event_is_told_not_fatal(tmp_path: Path) -> None:
    log = run_of(DEALS)
    broken = Message(len(log) + 1, "log.signals", b'{"v":1,"source":"signals","events":[{"tag":"Nonsense","of":0}]}')
    summary = write(tmp_path / "run", [*log, broken])
    assert any("undecodable" in flag for flag in summary["data_flags"])
    assert summary["messages"] == len(log) + 1


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    seen: list[int] = []
    log = run_of(DEALS)
    write(tmp_path / "run", iter(log), progress=seen.append)  # type: ignore[arg-type]
    assert seen[-1] == len(log)


def test_processor_flags(tmp_path: Path) -> None:
    source = tmp_path / "cpuinfo"
    source.write_text("processor : 0\nflags\t\t: sse avx2 fma\n")
    assert cpu_flags(source) == ["avx2", "fma", "sse"]
    assert cpu_flags(tmp_path / "absent") is None
