"""The same fair rates as in `sharing`, for hundreds of flows at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]

_NEARLY = 1e-12


def filled(members: Places, most: Numbers, capacities: Numbers) -> Numbers:
    """Max-min fair rates, one a flow, all of one weight.

    A round settles every flow at its own most, and all flows of each resource none of whose flows is held lower
    elsewhere, so that a few rounds do where raising one level would need one for each resource.

    Shape: `members` has a row a flow with the places of its resources in `capacities`, filled up with the place of one
           that has no end.
    """
    rates = np.full(len(most), np.inf)
    slack = capacities.astype(np.float64)
    live = np.arange(len(most))
    while len(live):
        level, settled = _settled(members[live], most[live], slack)
        done = live[settled]
        rates[done] = np.minimum(most[done], level[settled])
        slack = np.maximum(slack - _sums(members[done], rates[done], len(slack)), 0.0)
        live = live[~settled]
    return rates


def _settled(on: Places, own: Numbers, slack: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """The level of each flow if all on its resources rose together, and for which flows that is the last word."""
    total = np.bincount(on.ravel(), minlength=len(slack))
    full_at = np.divide(slack, total, out=np.full(len(slack), np.inf), where=total > 0)
    there = full_at[on]
    level = np.minimum(there.min(axis=1), own)
    lowest = np.full(len(slack), np.inf)
    np.minimum.at(lowest, on.ravel(), np.repeat(level, on.shape[1]))
    local = lowest >= full_at * (1 - _NEARLY)
    held_here = local[on] & (there <= level[:, None] * (1 + _NEARLY))
    return level, (own <= there.min(axis=1)) | held_here.any(axis=1)


def _sums(on: Places, amounts: Numbers, size: int) -> Numbers:
    sums: Numbers = np.bincount(on.ravel(), np.repeat(amounts, on.shape[1]), size).astype(np.float64, copy=False)
    return sums
