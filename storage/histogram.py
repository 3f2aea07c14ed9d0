"""The latency histogram: exponential buckets of nanoseconds, mergeable, with a bounded relative error.

Bucket i covers [2**(i/16), 2**((i+1)/16)) ns, the layout of an OpenTelemetry exponential histogram of scale 4. A bucket is
4.43 % wide, so its geometric middle is within 2.2 % of every value in it. All positive 63-bit durations fit in buckets 0..1007;
zero has a bucket of its own.
"""

from __future__ import annotations

from array import array
from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BUCKETS_PER_DOUBLING = 16
ZERO_BUCKET = 65_535


def bucket_of(duration_ns: int) -> int:
    return int(log2(duration_ns) * BUCKETS_PER_DOUBLING) if duration_ns > 0 else ZERO_BUCKET


def middle_of(bucket: int) -> float:
    """The geometric middle of a bucket, in nanoseconds."""
    return 0.0 if bucket == ZERO_BUCKET else float(2.0 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING))


class PackedHistogram:
    """Pairs (bucket, count) as unsigned 32-bit integers, in no particular order: 8 bytes a filled bucket.

    They change in place: adding costs what is added, not what is there. Packing 300 buckets anew for every few that were added
    was a sixth of what small requests cost the writer.
    """

    __slots__ = ("_pairs", "_places")

    def __init__(self, packed: bytes = b"") -> None:
        self._pairs = array("I", packed)
        self._places = {bucket: 2 * number + 1 for number, bucket in enumerate(self._pairs[::2])}

    def add(self, buckets: Mapping[int, int]) -> None:
        """Negative counts take out, at most what is there."""
        pairs, places = self._pairs, self._places
        for bucket, count in buckets.items():
            place = places.get(bucket)
            if place is not None:
                pairs[place] = max(pairs[place] + count, 0)
            elif count > 0:
                places[bucket] = len(pairs) + 1
                pairs.extend((bucket, count))

    def filled(self) -> dict[int, int]:
        """Bucket → count, of those that have one."""
        return {bucket: count for bucket, count in zip(self._pairs[::2], self._pairs[1::2], strict=True) if count}

    def packed(self) -> bytes:
        return self._pairs.tobytes()


def unpack_into(total: dict[int, int], packed: bytes) -> None:
    """Adds a packed histogram to `total`."""
    values = array("I", packed)
    for bucket, count in zip(values[::2], values[1::2], strict=True):
        total[bucket] = total.get(bucket, 0) + count


def quantiles(buckets: Mapping[int, int], asked: Sequence[float]) -> list[float]:
    """Durations in nanoseconds at the quantiles `asked` (ascending, 0..1), by nearest rank; [] when there are no values."""
    ordered = sorted(buckets.items(), key=lambda entry: -1 if entry[0] == ZERO_BUCKET else entry[0])
    total = sum(count for _, count in ordered)
    if total == 0:
        return []
    answers: list[float] = []
    seen = 0
    remaining: Iterable[tuple[int, int]] = iter(ordered)
    bucket = ordered[0][0]
    for quantile in asked:
        rank = max(1.0, quantile * total)
        while seen < rank:
            bucket, count = next(iter(remaining))
            seen += count
        answers.append(middle_of(bucket))
    return answers


def edges_of(buckets: Mapping[int, int]) -> tuple[int, int]:
    """The least and greatest duration, in whole nanoseconds, that filled `buckets` can hold."""
    filled = sorted(-1 if bucket == ZERO_BUCKET else bucket for bucket in buckets)
    lowest, highest = filled[0], filled[-1]
    least = 0 if lowest < 0 else int(2.0 ** (lowest / BUCKETS_PER_DOUBLING))
    greatest = 0 if highest < 0 else int(2.0 ** ((highest + 1) / BUCKETS_PER_DOUBLING)) + 1
    return least, min(greatest, 2**63 - 1)
