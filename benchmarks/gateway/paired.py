"""What one option of the gateway costs: pairs of gateways, without it and with it, under the same load in turn.

Two processes of the very same gateway differ by some percent for as long as they live (where their memory lies, how their hashes
fall), and rounds of one process by some percent too. So several pairs are started one after the other, each has several rounds,
and both are told by their medians.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import uvloop

from benchmarks.gateway.load import Load
from benchmarks.gateway.target import Target

PAIRS, ROUNDS = 9, 10


@dataclass(frozen=True, slots=True)
class Pair:
    """What was measured of one pair."""

    without_us: float
    """CPU per request, of all threads."""
    ratio: float
    """With over without."""


Open = Callable[[], AbstractContextManager[tuple[Target, Target]]]
"""Starts a gateway without and one with, and ends both again."""


def pairs(open_pair: Open, load: Callable[[Target], Awaitable[Load]], *, quick: bool) -> Iterator[Pair]:
    """One after the other."""
    for _ in range(2 if quick else PAIRS):
        with open_pair() as (without, with_it):
            yield uvloop.run(_rounds(without, with_it, load, 3 if quick else ROUNDS))


async def _rounds(without: Target, with_it: Target, load: Callable[[Target], Awaitable[Load]], rounds: int) -> Pair:
    """Each goes first in every other round; the first round does not count."""
    plain_us: list[float] = []
    ratios: list[float] = []
    for number in range(rounds + 1):
        took_us = {}
        for target in (without, with_it) if number % 2 else (with_it, without):
            took_us[target] = (await load(target)).cpu_us_per_request
        if number:
            plain_us.append(took_us[without])
            ratios.append(took_us[with_it] / took_us[without])
    return Pair(statistics.median(plain_us), statistics.median(ratios))


def medians(measured: list[Pair]) -> Pair:
    """Of all pairs."""
    return Pair(statistics.median(pair.without_us for pair in measured), statistics.median(pair.ratio for pair in measured))
