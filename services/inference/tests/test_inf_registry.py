"""The registry: whole or not at all, champions as a fold over the history, and what is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_inference.models.manifest import MANIFEST, WEIGHTS
from contango_inference.registry.store import HISTORY, Registry
from support.toy_model import made


def test_what_is_added_is_found_by_name_and_by_any_beginning_of_its_version(tmp_path: Path) -> None:
    registry, (manifest, weights) = Registry(tmp_path), made()
    folder = registry.add(manifest, weights)
    assert folder == registry.add(manifest, weights)
    assert registry.names() == ["toy"]
    for ref in ("toy", f"toy@{manifest.version}", f"toy@{manifest.version[:6]}"):
        model = registry.load(ref)
        assert (model.version, model.manifest) == (manifest.version, manifest)
    assert [path.name for path in tmp_path.glob("toy/*")] == [manifest.version[:16]]


def test_two_versions_need_a_promotion_and_a_rollback_takes_it_back(tmp_path: Path) -> None:
    registry, first, second = Registry(tmp_path), made(1), made(2)
    registry.add(*first)
    registry.add(*second)
    with pytest.raises(UserError, match="none promoted"):
        registry.find("toy")
    with pytest.raises(UserError, match="nothing to roll back"):
        registry.roll_back("toy", "why not")
    registry.promote(f"toy@{first[0].version}", "first")
    fact = registry.promote(f"toy@{second[0].version}", "better")
    assert (fact.previous_sha, registry.find("toy").version) == (first[0].version, second[0].version)
    assert fact.evidence["variance_skill"] == 0.03
    back = registry.roll_back("toy", "drift")
    assert (back.sha, back.previous_sha) == (first[0].version, second[0].version)
    assert Registry(tmp_path).find("toy").version == first[0].version
    assert len((tmp_path / "toy" / HISTORY).read_text().splitlines()) == 3


@given(steps=st.lists(st.sampled_from(["first", "second", "back"]), max_size=12))
def test_the_champion_is_what_the_history_folds_to(steps: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    registry = Registry(tmp_path_factory.mktemp("registry"))
    models = {"first": made(1), "second": made(2)}
    for manifest, weights in models.values():
        registry.add(manifest, weights)
    standing: list[str] = []
    for step in steps:
        if step == "back":
            if not standing:
                continue
            registry.roll_back("toy", "law")
            standing.pop()
        else:
            version = models[step][0].version
            registry.promote(f"toy@{version}", "law")
            standing.append(version)
        assert registry.champion("toy") == (standing[-1] if standing else None)


def test_the_shipped_are_read_beside_the_users_and_never_written(tmp_path: Path) -> None:
    shipped, (manifest, weights) = Registry(tmp_path / "shipped"), made()
    shipped.add(manifest, weights)
    registry = Registry(tmp_path / "mine", tmp_path / "shipped")
    assert registry.find("toy").version == manifest.version
    registry.promote("toy", "as shipped")
    assert not (tmp_path / "shipped" / "toy" / HISTORY).exists()
    assert registry.champion("toy") == manifest.version


def test_what_is_wrong_is_refused_in_one_line(tmp_path: Path) -> None:
    registry, (manifest, weights) = Registry(tmp_path), made()
    with pytest.raises(UserError, match="no model is called 'other'"):
        registry.load("other")
    with pytest.raises(UserError, match="SHA-256"):
        registry.add(manifest, weights[:-1] + b"x")
    assert not list(tmp_path.iterdir())
    folder = registry.add(manifest, weights)
    with pytest.raises(UserError, match="0 versions of toy begin with 'zz'"):
        registry.load("toy@zz")
    (folder / WEIGHTS).write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(UserError, match="the weights were changed"):
        registry.load("toy")
    with pytest.raises(UserError, match="the weights were changed"):
        registry.promote("toy", "nobody looked")
    assert registry.champion("toy") is None
    (folder / WEIGHTS).unlink()
    with pytest.raises(UserError, match="not whole"):
        registry.load("toy")
    raw = json.loads((folder / MANIFEST).read_text())
    raw["contract"]["context"] = 0
    (folder / MANIFEST).write_text(json.dumps(raw))
    with pytest.raises(UserError, match=r"contract\.context = 0"):
        registry.load("toy")


def test_a_damaged_history_is_named_with_its_line(tmp_path: Path) -> None:
    registry, (manifest, weights) = Registry(tmp_path), made()
    registry.add(manifest, weights)
    registry.promote("toy", "first")
    with (tmp_path / "toy" / HISTORY).open("a") as file:
        file.write("{torn")
    with pytest.raises(UserError, match="line 2"):
        registry.find("toy")
