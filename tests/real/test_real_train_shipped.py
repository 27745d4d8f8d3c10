"""The shipped forecaster on the real S&P 500: it learned nothing later than it says, and forecasts what came after.

Features come from the signals fold as in a session; the tested years, 2016 to 2018, were seen by no training.
"""

from dataclasses import replace

import numpy as np
import pytest

from contango_inference.registry.store import Registry, shipped
from contango_inference.train import baselines
from contango_inference.train.evaluate import pinballs
from contango_inference.train.fitting import Model, forecasts, rows_of
from contango_inference.train.rows import data_of
from contango_inference.train.settings import TrainSettings
from contango_inference.train.splits import Part
from contango_research.training.dataset import sessions_of
from contango_research.training.features import session_rows
from contango_research.training.lineage import midnight_ns
from contango_signals.params import SignalsParams

sp500 = pytest.importorskip("arch.data.sp500", reason="the arch package with the real daily S&P 500 is not installed")
pytestmark = pytest.mark.real
UNTIL = 20151231


@pytest.fixture(scope="module")
def world():
    """The shipped model and all sessions of 1999 to 2018 with their features."""
    table = sp500.load()
    names = ("Open", "High", "Low", "Close", "Volume")
    columns = {name.lower(): table[name].to_numpy(dtype=np.float64) for name in names}
    days = table.index.to_numpy().astype("datetime64[D]")
    columns["ts_ns"] = days.astype("datetime64[ns]").astype(np.int64) + 21 * 3_600_000_000_000
    dates = np.array([int(str(day).replace("-", "")) for day in days])
    rows = session_rows("SPX", columns, SignalsParams())
    found = Registry(shipped()).load("index_daily")
    s = TrainSettings()
    data = data_of(sessions_of(columns, dates, rows), s)
    m = found.manifest
    model = Model(m.contract.features, m.calibration, found.weights, (), 0, 0)
    return found, data, model, s


def test_it_earns_only_after_what_it_learned(world):
    m = world[0].manifest
    assert m.lineage.trained_until == UNTIL
    assert m.lineage.earns_from_ns == midnight_ns(20160104)
    assert m.contract.symbols == ("SPX",)
    for target in ("variance", "direction"):
        assert m.weight(target, "SPX", m.lineage.earns_from_ns - 1) == 0.0


def test_its_normalisation_is_that_of_the_years_it_names(world):
    """Mean and scale of the manifest from the rows between its dates, less validation and purge, and no others."""
    found, data, _, s = world
    m = found.manifest
    count = m.lineage.rows
    first = int(np.searchsorted(data.sessions.dates, m.lineage.trained_from))
    rows = rows_of(data, Part(first, len(data.sessions)))[:count]
    assert data.sessions.dates[rows[-1]] < UNTIL
    last = data.windows[rows, -1, :]
    np.testing.assert_allclose([f.mean for f in m.contract.features], last.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose([f.scale for f in m.contract.features], last.std(axis=0), rtol=1e-9)
    assert [f.name for f in m.contract.features] == [c.name for c in s.features]


def test_after_its_training_it_beats_persistence_and_its_quantiles_hold(world):
    """2016 to 2018, out of every sample; the margin is about half of what was found."""
    _, data, model, s = world
    after = int(np.searchsorted(data.sessions.dates, 20160104))
    rows = rows_of(data, Part(after, len(data.sessions)))
    said, came = forecasts(model, data, rows, s).ratios, data.targets.ratios[rows]
    kept = baselines.persistence(data, rows, s.inference)
    assert pinballs(came, said, s).mean() < 0.97 * pinballs(came, kept, s).mean()
    inside = ((came >= said[..., 0]) & (came <= said[..., -1])).mean(axis=0)
    assert (inside > 0.7).all()
    assert (np.diff(said, axis=-1) >= 0.0).all()


def test_other_data_after_a_session_changes_no_answer_until_then(world):
    _, data, model, s = world
    cut = int(np.searchsorted(data.sessions.dates, 20170601))
    values = {name: column.copy() for name, column in data.sessions.values.items()}
    for column in values.values():
        column[cut + 1 :] = column[cut + 1 :][::-1]
    other = data_of(replace(data.sessions, values=values), s)
    rows = np.arange(cut - 200, cut + 1)
    np.testing.assert_array_equal(forecasts(model, data, rows, s).ratios, forecasts(model, other, rows, s).ratios)
