"""The file of a training: what ``contango train --config`` reads."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from contango_common.domain.declare import wrong
from contango_common.domain.errors import UserError
from contango_inference.train.settings import TrainSettings
from contango_signals.params import SignalsParams


class TrainConfig(TrainSettings):
    """``signals`` are the parameters of the indicators where rows are made from a catalog: those of the book that the
    model will serve. A log brings its own."""

    signals: SignalsParams = SignalsParams()

    def settings(self) -> TrainSettings:
        """What the training itself looks at."""
        return TrainSettings.model_validate({name: getattr(self, name) for name in TrainSettings.model_fields})


def load_config(path: Path | None) -> TrainConfig:
    """The settings in ``path``, or the defaults. UserError names file, key, value and what is allowed."""
    if path is None:
        return TrainConfig()
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name an existing file with --config") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UserError(f"{path}: not valid YAML; correct it") from None
    if not isinstance(raw or {}, dict):
        raise UserError(f"{path}: holds a {type(raw).__name__}; a training is a mapping of settings")
    try:
        return TrainConfig.model_validate(raw or {})
    except ValidationError as error:
        raise UserError(f"{path}: {wrong('', error.errors(include_url=False)[0])}") from None
