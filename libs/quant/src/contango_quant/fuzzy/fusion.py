"""One confidence out of several: an upstream model's, the fuzzy one, and a neural forecast's.

    G = 0.60·gauss + 0.40·fuzzy + w·neural, divided by the weights of what is present, and so never above 1

The neural weight is 0 until the forecast is calibrated: then it adds nothing and takes nothing away.
"""

GAUSS, FUZZY = 0.60, 0.40


def fused(
    *, gauss: float | None, fuzzy: float | None, neural: float | None, neural_weight: float = 0.0
) -> float | None:
    """The weighted mean of what is present, in [0, 1]; None when neither model nor fuzzy confidence is.

    >>> round(fused(gauss=0.5, fuzzy=0.75, neural=None), 10)
    0.6
    >>> round(fused(gauss=None, fuzzy=0.75, neural=0.1), 10)
    0.75
    """
    if not 0.0 <= neural_weight <= 1.0:
        raise ValueError(f"neural_weight must lie in [0, 1], got {neural_weight!r}")
    parts = [(GAUSS, gauss), (FUZZY, fuzzy), (neural_weight, neural)]
    present = [(w, x) for w, x in parts if x is not None and w > 0.0]
    if gauss is None and fuzzy is None:
        return None
    total = sum(w for w, _ in present)
    return min(max(sum(w * x for w, x in present) / total, 0.0), 1.0)
