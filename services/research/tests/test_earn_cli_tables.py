"""`contango earnings features | validate | train | predict` from files to answers."""

import csv
import hashlib
import json
from datetime import date as Date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from contango_common.domain.errors import UserError
from contango_inference.earnings.build import build
from contango_inference.earnings.dataset import dataset
from contango_inference.earnings.model import predict
from contango_inference.earnings.params import EarningsParams
from contango_inference.earnings.training import train
from contango_market_data.importers.run import run_import
from contango_research.cli.earnings import app
from contango_research.earnings.read import read_bars
from contango_research.earnings.store import load_model, save_model
from contango_research.earnings.tables import read_tables
from contango_research.plain import iso
from support.earn_world import weekdays, world

FAST = ["--trees", "10", "--fold-years", "1", "--least-training", "60"]


def run(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def write_world(folder: Path, **shape: int) -> SimpleNamespace:
    """The synthetic market as files a person would have."""
    events, inputs = world(**shape)
    with (folder / "events.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Symbol", "Date", "Time", "eps_est", "eps", "sector"])
        writer.writerows([e.symbol, iso(e.date), e.timing, e.eps_estimate, e.eps, e.sector] for e in events)
    series = inputs.bars | {"SPX": inputs.market, "VIX": inputs.vix, "SEC": inputs.market}
    rows = []
    for symbol, held in series.items():
        days = [np.datetime64(int(ns), "ns").astype("M8[D]").item() for ns in held.close_ns]
        for i, day in enumerate(days):
            rows.append((symbol, day, *(float(c[i]) for c in (held.open, held.high, held.low, held.close))))
    columns = zip(*rows, strict=True)
    names = ("symbol", "date", "open", "high", "low", "close")
    pq.write_table(pa.table(dict(zip(names, map(list, columns), strict=True))), folder / "bars.parquet")
    return SimpleNamespace(folder=folder, events=events, inputs=inputs)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Tables of a small market; nothing of it is changed by a test."""
    folder = tmp_path_factory.mktemp("earnings")
    write_world(folder, symbols=10, sessions=1300)
    done = run(
        *("features", "--events", folder / "events.csv", "--bars", folder / "bars.parquet"),
        *("--market", "spx", "--vix", "VIX", "--out", folder / "features"),
    )
    assert done.exit_code == 0, done.output
    return folder


def copy_of(made: Path, to: Path) -> Path:
    target = to / "features"
    target.mkdir()
    for file in (made / "features").iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_tables_are_point_in_time_and_labels_lie_apart(made):
    tables, manifest, changed = read_tables(made / "features")
    assert changed == []
    assert manifest["future_changed"] == []
    assert sorted(f"{g.name}.parquet" for g in tables.groups) == [
        "fundamental_features.parquet",
        "historical_features.parquet",
        "market_features.parquet",
        "time_features.parquet",
        "volatility_features.parquet",
    ]
    for group in tables.groups:
        table = pq.read_table(made / "features" / f"{group.name}.parquet")
        assert table.column_names[:3] == ["symbol", "event_date", "known_at_ns"]
        assert not {"move", "abs_move"} & set(table.column_names)
        assert all(known <= cutoff for known, cutoff in zip(group.known_at_ns, tables.cutoffs_ns, strict=True))
        for name in group.names:  # missing is null, never NaN
            assert not np.isnan(table.column(name).drop_null().to_numpy()).any()


def test_what_was_written_is_what_was_built(made):
    """The tables from files equal those built in memory from the same market."""
    events, inputs = world(symbols=10, sessions=1300)
    fresh, stored = dataset(build(events, inputs)), dataset(read_tables(made / "features")[0])
    assert stored.names == fresh.names
    np.testing.assert_allclose(stored.values, fresh.values, rtol=1e-12)
    np.testing.assert_array_equal(stored.move, fresh.move)


def test_validate_writes_one_self_contained_page(made, tmp_path):
    page = tmp_path / "report.html"
    done = run("validate", made / "features", "--out", page, *FAST)
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    for heading in ("Verdict", "Leakage", "Coverage", "Correlation", "Importance", "Skill"):
        assert f"<h2>{heading}</h2>" in text
    assert "no leak was found" in text
    assert "no feature changes" in text
    assert not any(word in text for word in ("http://", "https://", "<script", "@import"))
    again = tmp_path / "again.html"
    run("validate", made / "features", "--out", again, *FAST)
    assert again.read_bytes() == page.read_bytes()


def test_a_planted_leak_fails_validation_and_training(made, tmp_path):
    folder = copy_of(made, tmp_path)
    labels = pq.read_table(folder / "labels.parquet")
    table = pq.read_table(folder / "time_features.parquet")
    table = table.append_column("tip", labels.column("abs_move"))
    pq.write_table(table, folder / "time_features.parquet")
    page = tmp_path / "report.html"
    done = run("validate", folder, "--out", page, "--no-models")
    assert done.exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert "tip: rank correlation with |move|" in text
    assert "time_features.parquet is not the file that was built" in text
    refused = run("train", folder, "--out", tmp_path / "model", *FAST)
    assert isinstance(refused.exception, UserError)
    assert "tip knows the future" in str(refused.exception)
    assert not (tmp_path / "model").exists()


def test_train_then_predict(made, tmp_path):
    done = run("train", made / "features", "--out", tmp_path / "model", *FAST)
    assert done.exit_code == 0, done.output
    assert "magnitude: " in done.output
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert manifest["features"] == list(dataset(read_tables(made / "features")[0]).names)
    assert manifest["parameters"]["trees"] == 10
    assert "coverage_80" in manifest["metrics"]["magnitude"]["forest"]
    data = dataset(read_tables(made / "features")[0])
    row = {n: None if np.isnan(v) else float(v) for n, v in zip(data.names, data.values[-1], strict=True)}
    asked = {"symbol": "S1", "date": "2015-03-02", "spot": 50.0, "straddle_price": 3.0, "features": row}
    (tmp_path / "request.json").write_text(json.dumps(asked))
    answered = run("predict", tmp_path / "request.json", "--model", tmp_path / "model")
    assert answered.exit_code == 0, answered.output
    said = json.loads(answered.stdout)
    assert not said["fallback"]
    assert said["q10"] <= said["q50"] <= said["q90"]
    assert said["model_sha"] == manifest["weights_sha256"]
    plain = json.loads(run("predict", tmp_path / "request.json").stdout)
    assert (plain["fallback"], plain["reason"]) == (True, "no model is loaded")


def test_a_stored_model_predicts_bit_for_bit_and_has_the_same_bytes_again(made, tmp_path):
    data = dataset(read_tables(made / "features")[0])
    params = EarningsParams(trees=10, least_training=60)
    model = train(data, params, shows_direction=True)
    sha = save_model(model, tmp_path / "one", {})
    loaded = load_model(tmp_path / "one")
    assert loaded.sha == sha
    assert predict(loaded.model, data.values) == predict(model, data.values)
    assert save_model(train(data, params, shows_direction=True), tmp_path / "two", {}) == sha


@pytest.mark.parametrize("at", [100, -9, -4096])
def test_weights_with_one_changed_byte_are_refused(made, tmp_path, at):
    data = dataset(read_tables(made / "features")[0])
    save_model(train(data, EarningsParams(trees=3, least_training=60), shows_direction=False), tmp_path, {})
    weights = bytearray((tmp_path / "model.safetensors").read_bytes())
    weights[at] ^= 1
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(UserError, match="not those that were trained"):
        load_model(tmp_path)


def test_a_broken_model_folder_is_one_line(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        load_model(tmp_path / "none")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="is no JSON"):
        load_model(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"weights_sha256": hashlib.sha256(b"x").hexdigest()}))
    with pytest.raises(UserError, match="does not fit its manifest"):
        load_model(tmp_path)


def test_windows_alone_degrade_and_do_not_fail(tmp_path):
    """No bars at all: moves from the windows, hv_10, and reasons for the rest."""
    days = weekdays(Date(2018, 1, 1), 400)
    lines = ["symbol,date,time,pre_date,pre_close,post_date,post_close,vol"]
    for k in range(5):
        i = 20 + 63 * k
        lines.append(f"abc,{iso(days[i])},post,{iso(days[i])},100,{iso(days[i + 1])},{105 + k},0.3")
    lines.append(f"abc,{iso(days[399])},post,,,,,")
    (tmp_path / "events.csv").write_text("\n".join([*lines, lines[-2], ""]))
    done = run("features", "--events", tmp_path / "events.csv", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "6 announcements, 5 with a known move" in done.output
    assert "1 stood twice" in done.output
    tables, _, _ = read_tables(tmp_path / "out")
    labels = pq.read_table(tmp_path / "out" / "labels.parquet").to_pylist()
    assert [row["move"] for row in labels] == pytest.approx([0.05, 0.06, 0.07, 0.08, 0.09, None])
    assert labels[-1]["known_at_ns"] is None
    assert labels[-1]["reason"]
    assert all("hv_10 alone" in reason for reason in tables.groups[1].reasons[:5])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("symbol,day\nA,2024-01-02\n", "line 1: no column 'date'"),
        ("symbol,date\nA,2.1.2024\n", "line 2, column 'date': '2.1.2024' is no date; write YYYY-MM-DD"),
        ("symbol,date,time\nA,2024-01-02,noon\n", "line 2, column 'time': 'noon' is no time"),
        ("symbol,date\n\nA,2024-01-02,x\n", "line 3: 3 fields for 2 columns"),
        ("symbol,date,eps\nA,2024-01-02,one\n", "column 'eps': 'one' is no number"),
        ("symbol,date\n", "there is no announcement in it"),
        ("", "there is no header"),
        ("symbol,date,pre_date,pre_close,post_date,post_close\nA,2024-01-02,2024-01-02,0,2024-01-03,1\n", "no price"),
    ],
)
def test_a_bad_table_is_one_line_that_says_where(tmp_path, text, says):
    (tmp_path / "events.csv").write_text(text)
    done = run("features", "--events", tmp_path / "events.csv", "--out", tmp_path / "out")
    assert isinstance(done.exception, UserError)
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)


def test_bars_of_a_catalog_are_read(tmp_path):
    rows = ["ts,symbol,open,high,low,close,volume"]
    rows += [f"{iso(d)}T16:00:00,ABC,10,11,9,{10 + i},100" for i, d in enumerate([20240102, 20240103])]
    (tmp_path / "bars.csv").write_text("\n".join([*rows, ""]))
    options = {"kind": "bars", "timeframe": "1d", "tz": "America/New_York"}
    run_import("csv", tmp_path / "bars.csv", tmp_path / "catalog", options)
    found = read_bars([tmp_path / "catalog"])
    assert found["ABC"].close.tolist() == [10.0, 11.0]


def test_a_market_without_bars_and_foreign_files_are_named(made, tmp_path):
    done = run("features", "--events", made / "events.csv", "--market", "SPX", "--out", tmp_path / "out")
    assert "--market SPX: no daily bars of it" in str(done.exception)
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    done = run("features", "--events", tmp_path / "x.parquet", "--out", tmp_path / "out")
    assert "is no readable table" in str(done.exception)
    assert "no manifest" in str(run("validate", tmp_path).exception)


def test_help_teaches():
    for command in ("features", "validate", "train", "predict", "statement"):
        done = run(command, "--help")
        assert done.exit_code == 0
        assert len(done.output) > 400
