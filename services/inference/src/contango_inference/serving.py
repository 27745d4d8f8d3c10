"""Models of a registry asked through one backend: what the oracle is given by whoever puts a service together."""

from contango_common.domain.errors import UserError
from contango_common.edge.logs import get_logger
from contango_inference.backends.port import Absent, Backend
from contango_inference.models.loaded import Loaded
from contango_inference.models.port import Outputs
from contango_inference.registry.store import Registry

log = get_logger("inference")


class Serving:
    """A model is read from the registry when it is first asked for. One that cannot be read is looked for again each
    time; the log is told in words that are the same on every machine, the service's own log where and why."""

    def __init__(self, registry: Registry, backend: Backend) -> None:
        self.BACKEND = backend.NAME
        self._registry, self._backend = registry, backend
        self._found: dict[str, Loaded] = {}
        self._complained: dict[str, str] = {}

    def find(self, ref: str, /) -> Loaded | str:
        found = self._found.get(ref)
        if found is None:
            try:
                found = self._registry.load(ref)
            except UserError as error:
                if self._complained.get(ref) != str(error):
                    log.warning("%s: %s", ref, error)
                    self._complained[ref] = str(error)
                return f"model {ref} is not in the registry, or not whole"
            self._found[ref] = found
        return found

    def ask(self, model: Loaded, window: Outputs, /) -> Outputs | str:
        outputs = self._backend.run(model, window[None])
        return outputs.reason if isinstance(outputs, Absent) else outputs[0]

    def close(self) -> None:
        self._backend.close()
