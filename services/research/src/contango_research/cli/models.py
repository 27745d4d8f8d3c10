"""`contango models …`: what is in the registry, who is champion, and why."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from contango_research.cli.screen import console

app = typer.Typer(
    help="Trained models: list and show them, make one the champion of its name, take that back.\n\n"
    "A book names a model (`inference.models.champion`); its champion is the version that answers. A running session "
    "is told by POST /v1/models/NAME/promote on its gateway; these commands set what later runs begin with.",
    no_args_is_help=True,
)
FolderOption = Annotated[
    Path | None, typer.Option("--models", help="Registry; default: CONTANGO_MODELS_DIR, ./models.")
]
Ref = Annotated[str, typer.Argument(help="NAME, or NAME@VERSION (any beginning of the version).")]
Reason = Annotated[str, typer.Option(help="Why; kept with the change.")]


@app.command("list")
def list_(models: FolderOption = None) -> None:
    """Every version of every model: training range, weight earned, who is champion."""
    from contango_inference.registry.store import versions

    registry = _registry(models)
    table = Table("model", "version", "trained", "rows", "variance", "direction", "champion")
    for entry in versions(registry):
        m = entry.manifest
        weights = {v.target: v for v in m.verdicts}
        table.add_row(
            m.name,
            entry.version[:16],
            f"{m.lineage.trained_from} – {m.lineage.trained_until}",
            f"{m.lineage.rows:,}",
            *(_earned(weights.get(target)) for target in ("variance", "direction")),
            "yes" if registry.champion(m.name) == entry.version else "",
        )
    console.print(table)


@app.command()
def show(ref: Ref, models: FolderOption = None) -> None:
    """One version's manifest: contract, lineage, calibration, verdicts. Its weights are checked on the way."""
    registry = _registry(models)
    model = registry.load(ref)
    print(model.manifest.canonical().decode(), end="")
    print(f"version: {model.version}   weights: verified   folder: {registry.find(ref).path}")


@app.command()
def promote(ref: Ref, reason: Reason, models: FolderOption = None) -> None:
    """Make a version the champion of its name. The figures of its verdicts are recorded with the change."""
    fact = _registry(models).promote(ref, reason)
    print(f"{fact.model}: champion {fact.sha[:16]}, before {(fact.previous_sha or 'none')[:16]}")
    for name, figure in fact.evidence.items():
        print(f"  {name}: {figure}")


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(help="Name of the model.")], reason: Reason, models: FolderOption = None
) -> None:
    """Back to the champion before."""
    fact = _registry(models).roll_back(name, reason)
    print(f"{fact.model}: champion {(fact.sha or 'none')[:16]}, before {fact.previous_sha[:16]}")


def _registry(folder: Path | None):  # type: ignore[no-untyped-def]
    from contango_common.edge.settings import load_settings
    from contango_research.served import registry_of

    settings = load_settings()
    return registry_of(settings if folder is None else settings.model_copy(update={"models_dir": folder}))


def _earned(verdict) -> str:  # type: ignore[no-untyped-def]
    if verdict is None:
        return "not tested"
    skill = "" if verdict.skill is None else f"skill {100 * verdict.skill:.1f} %, "
    return f"{skill}weight {verdict.weight:.2f}"
