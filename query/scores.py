"""How far a value lies from the others of its series, whatever the outliers among them: the robust z-score.

The median stands for the middle and the median distance from it (MAD) for the spread, so that up to half of the values may be
wild without hiding themselves. Where more than half of the values are equal, the mean distance takes the MAD's place. Both are
scaled so that the score of a normal series is its z-score.
"""

from __future__ import annotations

from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAD_SCALE = 1.4826
_MEAN_SCALE = 1.2533
# Fewer values have no usual course.
LEAST_VALUES = 8
# A spread smaller than this share of the median is noise of measurement.
LEAST_SPREAD_SHARE = 0.05


class Course(NamedTuple):
    """What is usual for a series: its middle and its spread; the spread is 0 where all values are equal."""

    middle: float
    spread: float

    def score(self, value: float) -> float:
        """Positive above the middle."""
        return (value - self.middle) / self.spread if self.spread else 0.0


def course_of(values: Sequence[float], least_spread: float = 0.0) -> Course | None:
    """None where there are too few values. `least_spread` is what a spread counts at least, in the values' unit."""
    if len(values) < LEAST_VALUES:
        return None
    middle = median(values)
    distances = [abs(value - middle) for value in values]
    spread = median(distances) * _MAD_SCALE or fmean(distances) * _MEAN_SCALE
    if not spread:
        return Course(middle, 0.0)
    return Course(middle, max(spread, abs(middle) * LEAST_SPREAD_SHARE, least_spread))
