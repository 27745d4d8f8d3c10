"""Every strategy by name; the laws in the tests run on all of them."""

from types import MappingProxyType

from contango_signals.strategies import (
    bear_put_debit_spread,
    broken_wing_butterfly_bear,
    broken_wing_butterfly_bull,
    bull_call_debit_spread,
    calendar,
    call_credit_spread,
    covered_call,
    crash_put,
    diagonal,
    ema_cross,
    iron_condor,
    long_call,
    long_straddle,
    long_strangle,
    protective_put,
    put_credit_spread,
)
from contango_signals.strategies.spec import Spec

STRATEGIES: MappingProxyType[str, Spec] = MappingProxyType(
    {
        module.SPEC.name: module.SPEC
        for module in (
            iron_condor,
            put_credit_spread,
            call_credit_spread,
            calendar,
            diagonal,
            broken_wing_butterfly_bull,
            broken_wing_butterfly_bear,
            long_call,
            bull_call_debit_spread,
            bear_put_debit_spread,
            protective_put,
            covered_call,
            long_straddle,
            long_strangle,
            crash_put,
            ema_cross,
        )
    }
)
