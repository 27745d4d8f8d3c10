"""Parameters of the served models: the part ``inference.models``."""

from contango_common.domain.declare import Section, param


class ModelsParams(Section):
    """Which models speak, of what, and how much their word may count.

    >>> ModelsParams().champion
    'index_daily'
    """

    champion: str | None = param(
        "index_daily", "model whose forecasts may count: its name, or name@version; null: none is asked"
    )
    challengers: tuple[str, ...] = param((), "models that answer in shadow, beside the champion; their word is 0")
    symbols: tuple[str, ...] = param(
        (), "symbols to forecast; empty: the underlying of every option root that is listed"
    )
    weight_cap: float = param(0.5, "no model's word counts more, whatever it earned", unit="fraction", ge=0, le=1)
