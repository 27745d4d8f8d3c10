"""The manifest: one form of bytes, a version that moves with every field, refusals of one line that name the key."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_inference.models.manifest import Contract, Manifest, manifest_of
from support import model_cases as small

BEFORE, AFTER = small.lineage()["earns_from_ns"] - 1, small.lineage()["earns_from_ns"]
numbers = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=20)


@st.composite
def manifests(draw):
    """Any numbers and words where a manifest has room for them."""
    names = draw(st.lists(st.text(min_size=1, max_size=100), min_size=1, max_size=4, unique=True))
    features = [
        {"name": n, "log": draw(st.booleans()), "mean": draw(numbers), "scale": draw(st.floats(1e-9, 1e9))}
        for n in names
    ]
    levels = draw(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=4, unique=True).map(sorted))
    horizons = draw(st.lists(st.integers(1, 500), min_size=1, max_size=3, unique=True).map(sorted))
    verdicts = st.fixed_dictionaries(
        {
            "target": st.sampled_from(["direction", "variance"]),
            "weight": st.floats(0, 1),
            "baseline": words,
            "rows": st.integers(0, 10**9),
            "skill": st.none() | numbers,
            "reason": words,
        }
    )
    lineage = small.lineage(
        seed=draw(st.integers(-(2**70), 2**70)),
        settings=draw(st.dictionaries(words, numbers | st.integers() | words | st.booleans() | st.none(), max_size=4)),
        metrics=draw(st.dictionaries(words, st.none() | numbers, max_size=4)),
    )
    shift = draw(st.just([]) | st.just([[draw(numbers) for _ in levels] for _ in horizons]))
    return small.manifest(
        contract=small.contract(
            features=features, levels=levels, horizons_sessions=horizons, symbols=draw(st.lists(words, max_size=3))
        ),
        calibration={"temperature": draw(st.floats(1e-3, 1e3)), "shift": shift},
        verdicts=draw(st.lists(verdicts, max_size=3)),
        lineage=lineage,
    )


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of everything in a JSON value that is no group."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for i, inner in enumerate(value) for leaf in leaves(inner, (*path, i))]
    return [path]


def changed(raw: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(raw))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return copy


def full() -> dict[str, Any]:
    """A manifest in which every part holds something."""
    verdict = {"target": "variance", "weight": 0.25, "baseline": "har", "rows": 900, "reason": "better"}
    found = small.manifest(
        contract=small.contract(symbols=["SPX"]),
        calibration={"temperature": 1.5, "shift": [[0.1, 0.2, 0.3], [0.0, 0.1, 0.2]]},
        verdicts=[verdict | {"skill": 0.03, "low": 0.01, "high": 0.05, "p_value": 0.004}],
        lineage=small.lineage(settings={"rate": 0.001}, metrics={"loss": 0.5}),
    )
    return json.loads(found.canonical())


OTHER: dict[Any, Any] = {  # another lawful value of a leaf, where adding a quarter or a letter is not lawful
    ("shape", "layers"): 3,
    ("shape", "d_model"): 16,
    ("shape", "d_state"): 5,
    ("shape", "d_conv"): 4,
    ("shape", "expand"): 3,
    ("shape", "headdim"): 8,
    ("shape", "groups"): 1,
    ("shape", "chunk"): 8,
    ("contract", "context"): 5,
    ("contract", "cadence"): "row",
    ("contract", "horizons_sessions", 0): 2,
    ("contract", "horizons_sessions", 1): 6,
    ("contract", "levels", 0): 0.2,
    ("contract", "levels", 1): 0.6,
    ("contract", "levels", 2): 0.95,
    ("verdicts", 0, "target"): "direction",
    ("verdicts", 0, "rows"): 901,
    ("weights_sha",): "0" * 64,
}


def other(path: tuple[str | int, ...], value: Any) -> Any:
    if path in OTHER:
        return OTHER[path]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value + (0.25 if isinstance(value, float) else "x")


def refusal(data: bytes) -> str:
    with pytest.raises(UserError) as caught:
        manifest_of(data, "models/small")
    text = str(caught.value)
    assert text.startswith("models/small: ")
    assert len(text.splitlines()) == 1
    assert len(text) < 500
    return text


# --- the bytes --------------------------------------------------------------------------------------------------------


@given(manifests())
def test_what_was_written_is_read_again_and_written_the_same(manifest):
    read = manifest_of(manifest.canonical(), "here")
    assert read == manifest
    assert read.canonical() == manifest.canonical()
    assert read.version == manifest.version
    assert len(manifest.version) == 64


@given(manifests(), st.randoms(use_true_random=False))
def test_the_order_and_the_spacing_of_a_file_make_no_other_version(manifest, random):
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: shuffled(value[k]) for k in random.sample(sorted(value), len(value))}
        return [shuffled(v) for v in value] if isinstance(value, list) else value

    data = json.dumps(shuffled(json.loads(manifest.canonical()))).encode()
    assert manifest_of(data, "here").version == manifest.version


@pytest.mark.parametrize("path", [p for p in leaves(full()) if p != ("architecture",)], ids=str)
def test_every_field_moves_the_version(path):
    raw = full()
    value = raw
    for key in path:
        value = value[key]
    moved = json.dumps(changed(raw, path, other(path, value))).encode()
    assert manifest_of(moved, "here").version != manifest_of(json.dumps(raw).encode(), "here").version


def test_leaving_a_part_out_moves_the_version():
    raw = full()
    versions = {Manifest.model_validate(raw).version}
    for key in ("calibration", "verdicts"):
        versions.add(Manifest.model_validate({k: v for k, v in raw.items() if k != key}).version)
    assert len(versions) == 3


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_key_that_nobody_knows_is_refused_by_name():
    raw = full()
    assert "manifest.colour" in refusal(json.dumps(raw | {"colour": "red"}).encode())
    for part in ("shape", "contract", "calibration", "lineage"):
        assert f"manifest.{part}.colour" in refusal(json.dumps(changed(raw, (part, "colour"), "red")).encode())
    assert "manifest.contract.features.1.colour" in refusal(
        json.dumps(changed(raw, ("contract", "features", 1, "colour"), "red")).encode()
    )


@pytest.mark.parametrize("key", ["name", "shape", "contract", "lineage", "weights_sha"])
def test_a_key_that_is_missing_is_named(key):
    assert f"manifest.{key}" in refusal(json.dumps({k: v for k, v in full().items() if k != key}).encode())


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("name",), "../etc", "manifest.name = '../etc'"),
        (("name",), "Capital", "manifest.name"),
        (("architecture",), "transformer", "manifest.architecture = 'transformer'"),
        (("weights_sha",), "abc", "manifest.weights_sha = 'abc'"),
        (("shape", "layers"), 0, "manifest.shape.layers = 0"),
        (("shape", "headdim"), 3, "headdim 3 must divide"),
        (("contract", "context"), 0, "manifest.contract.context = 0"),
        (("contract", "cadence"), "weekly", "manifest.contract.cadence = 'weekly'"),
        (("contract", "clip"), 0.0, "manifest.contract.clip = 0.0"),
        (("contract", "features"), [], "manifest.contract.features"),
        (("contract", "features", 0, "scale"), 0.0, "manifest.contract.features.0.scale = 0.0"),
        (("contract", "features", 0, "mean"), "high", "manifest.contract.features.0.mean = 'high'"),
        (("contract", "features", 1, "name"), "ret", "a feature is named twice"),
        (("contract", "levels"), [0.5, 0.1, 0.9], "levels must be ascending"),
        (("contract", "levels"), [0.1, 0.5, 1.0], "levels inside 0 to 1"),
        (("contract", "levels"), [0.0, 0.5, 0.9], "levels inside 0 to 1"),
        (("contract", "horizons_sessions"), [5, 5], "horizons_sessions must be ascending"),
        (("contract", "horizons_sessions"), [0, 5], "at least 1"),
        (("calibration", "temperature"), 0.0, "manifest.calibration.temperature = 0.0"),
        (("calibration", "shift"), [[0.1, 0.2, 0.3]], "calibration.shift"),
        (("calibration", "shift"), [[0.1, 0.2], [0.1, 0.2]], "calibration.shift"),
        (("verdicts", 0, "weight"), 1.5, "manifest.verdicts.0.weight = 1.5"),
        (("verdicts", 0, "target"), "price", "manifest.verdicts.0.target = 'price'"),
        (("lineage", "trained_until"), None, "manifest.lineage.trained_until = None"),
    ],
)
def test_a_value_that_is_not_lawful_is_refused_with_its_key(path, value, words):
    assert words in refusal(json.dumps(changed(full(), path, value)).encode())


@pytest.mark.parametrize("path", [("contract", "features", 0, "mean"), ("lineage", "metrics", "loss")], ids=str)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused(path, value):
    assert ".".join(str(key) for key in path) in refusal(json.dumps(changed(full(), path, value)).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", json.dumps(full()).encode()[:-1]])
def test_a_file_that_is_no_manifest_is_refused_without_repeating_it(data):
    assert "manifest" in refusal(data)


# --- what it says -----------------------------------------------------------------------------------------------------


@given(st.integers(1, 32), st.integers(1, 32))
def test_outputs_are_three_directions_and_a_quantile_a_level_a_horizon(horizons, levels):
    raw = small.contract(
        horizons_sessions=list(range(1, horizons + 1)), levels=[(i + 1) / (levels + 1) for i in range(levels)]
    )
    assert Contract.model_validate(raw).outputs == 3 + horizons * levels


verdict_weights = st.lists(st.tuples(st.sampled_from(["direction", "variance"]), st.floats(0, 1)), max_size=6)


@given(verdict_weights, st.sampled_from(["direction", "variance"]), st.integers(0, 2**62))
def test_a_model_earns_its_best_verdict_of_the_target_and_nothing_before_it_may(verdicts, target, later_ns):
    made = small.manifest(
        verdicts=[{"target": t, "weight": w, "baseline": "har", "rows": 9, "reason": "r"} for t, w in verdicts]
    )
    assert made.weight(target, "SPX", AFTER + later_ns) == max([w for t, w in verdicts if t == target], default=0.0)
    assert made.weight(target, "SPX", BEFORE) == 0.0
    assert made.weight(target, "SPX", min(later_ns, BEFORE)) == 0.0


def test_a_model_earns_nothing_of_a_symbol_that_it_did_not_learn():
    verdict = {"target": "variance", "weight": 0.4, "baseline": "har", "rows": 9, "reason": "r"}
    made = small.manifest(verdicts=[verdict], contract=small.contract(symbols=["SPX", "NDX"]))
    assert made.weight("variance", "NDX", AFTER) == 0.4
    assert made.weight("variance", "RUT", AFTER) == 0.0
    assert small.manifest(verdicts=[verdict]).weight("variance", "RUT", AFTER) == 0.4
