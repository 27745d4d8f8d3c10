"""Every strategy by name; the laws in the tests run on all of them."""

from types import MappingProxyType

from contango_signals.strategies import (
    bear_put_debit_spread,
    broken_wing_butterfly_bear,
    broken_wing_butterfly_bull,
    bull_call_debit_spread,
    calendar,
    call_credit_spread,
    core_equity,
    covered_call,
    crash_put,
    crypto_momentum,
    crypto_reversion,
    crypto_trend,
    diagonal,
    ema_cross,
    iron_condor,
    leveraged_etf,
    long_call,
    long_straddle,
    long_strangle,
    momentum,
    protective_put,
    put_credit_spread,
    sector_rotation,
    volatility_trading,
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
            crypto_momentum,
            crypto_trend,
            crypto_reversion,
            core_equity,
            momentum,
            sector_rotation,
            volatility_trading,
            leveraged_etf,
        )
    }
)
