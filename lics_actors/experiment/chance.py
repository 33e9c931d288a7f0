"""Chance that repeats itself: the n-th number of a seed, with no state but n. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_GOLDEN: Final = 0x9E3779B97F4A7C15  # SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014
_MASK: Final = (1 << 64) - 1


def uniform(seed: int, n: int) -> float:
    """Return the `n`-th number of `seed`, at least 0 and below 1."""
    z = (seed * 0xD1342543DE82EF95 + (n + 1) * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def picked(weights: Sequence[float], number: float) -> int:
    """Return the index that `number` (0 to 1) falls on, by weight.

    Raises:
        ValueError: a weight is negative, or none is above 0.
    """
    total = 0.0
    for weight in weights:
        if not weight >= 0:
            raise ValueError(f"the weight {weight} is negative")
        total += weight
    if total <= 0:
        raise ValueError("no weight is above 0")
    left, last = number * total, 0
    for index, weight in enumerate(weights):
        if weight > 0:
            last = index
            if left < weight:
                return index
            left -= weight
    return last
