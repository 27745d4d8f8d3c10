"""What validation found, as one value."""

from dataclasses import dataclass

from contango_inference.earnings.checks import Coverage, Importance, Late, Suspect
from contango_inference.earnings.evaluate import Evaluation


@dataclass(frozen=True, slots=True)
class Validation:
    """Everything that was checked. ``future_changed`` is None when the tables were built without that check."""

    folder: str
    events: int
    labelled: int
    features: int
    first: int
    last: int
    late: list[Late]
    late_labels: int
    suspects: list[Suspect]
    changed_files: list[str]
    future_changed: list[str] | None
    coverage: list[Coverage]
    pairs: list[tuple[str, str, float]]
    importance: list[Importance]
    evaluation: Evaluation | None

    @property
    def problems(self) -> list[str]:
        """One line each; empty when nothing leaks."""
        found = [
            f"{late.group}: {late.rows} rows known after the last close before (first: {late.first})"
            for late in self.late
        ]
        if self.late_labels:
            found.append(f"labels: {self.late_labels} known before the announcement was over")
        found += [f"{s.feature}: {s.figure} {s.value:+.2f} is not plausible ({s.rows} rows)" for s in self.suspects]
        if self.future_changed:
            found.append(f"a corrupted future changes {', '.join(self.future_changed)}")
        found += [f"{name} is not the file that was built" for name in self.changed_files]
        return found

    @property
    def future(self) -> str:
        """What the check against a corrupted future found."""
        if self.future_changed is None:
            return "not checked when the tables were built"
        return "no feature changes" if not self.future_changed else f"changes {', '.join(self.future_changed)}"
