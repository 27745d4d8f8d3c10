"""Every strategy by name; the laws in the tests run on all of them."""

from types import MappingProxyType

from contango_signals.strategies import ema_cross, iron_condor
from contango_signals.strategies.spec import Spec

STRATEGIES: MappingProxyType[str, Spec] = MappingProxyType(
    {spec.name: spec for spec in (iron_condor.SPEC, ema_cross.SPEC)}
)
