"""Percentiles of measured values, everywhere by the same rule: between two values in proportion."""

from __future__ import annotations

from collections.abc import Iterable


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value below which `percent` of at least one value lie, between two of them in proportion."""
    rising = sorted(values)
    place = percent / 100 * (len(rising) - 1)
    low = int(place)
    high = min(low + 1, len(rising) - 1)
    return rising[low] + (rising[high] - rising[low]) * (place - low)


def percentiles(
    values: Iterable[float], percents: Iterable[int] = (50, 95), digits: int | None = None
) -> dict[str, float] | None:
    """Return `{"p50": …, "p95": …}`, rounded to `digits`; None where there are no values."""
    rising = sorted(values)
    if not rising:
        return None
    found = {f"p{percent}": percentile(rising, percent) for percent in percents}
    return found if digits is None else {name: round(value, digits) for name, value in found.items()}
