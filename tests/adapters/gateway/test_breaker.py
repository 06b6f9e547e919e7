"""The breaker opens after failures in a row, is probed by one alone, and ignores what was sent in another epoch."""

from __future__ import annotations

import itertools
import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from thunderagent.adapters.gateway.breaker import Breaker, BreakerState


def opened(failures: int = 3, open_s: float = 5.0) -> Breaker:
    """A breaker that opened at time 0."""
    breaker = Breaker(failures, open_s)
    for _ in range(failures):
        breaker.failed(0.0, breaker.epoch)
    return breaker


def test_only_failures_in_a_row_open_it() -> None:
    breaker = Breaker(3, 5.0)
    for _ in range(10):
        assert not breaker.failed(0.0, breaker.epoch)
        assert not breaker.failed(0.0, breaker.epoch)
        breaker.succeeded(breaker.epoch)
    assert breaker.state is BreakerState.CLOSED
    assert [breaker.failed(0.0, breaker.epoch) for _ in range(3)] == [False, False, True], "the one that opens it is told"
    assert (breaker.state, breaker.opened) == (BreakerState.OPEN, 1)


def test_the_probe_is_due_when_the_open_time_is_over_and_one_alone_sends_it() -> None:
    breaker = opened(open_s=5.0)
    assert not breaker.probe_due(4.9)
    assert not breaker.begin_probe(4.9)
    assert breaker.probe_due(5.0)
    assert [breaker.begin_probe(5.0) for _ in range(10)] == [True] + [False] * 9
    assert breaker.state is BreakerState.HALF_OPEN


def test_the_open_time_doubles_with_each_failed_probe_up_to_a_minute_and_starts_anew_after_it_closed() -> None:
    breaker, now, waits = opened(open_s=5.0), 0.0, []
    for _ in range(6):
        waits.append(breaker.probe_at_s - now)
        now = breaker.probe_at_s
        breaker.begin_probe(now)
        breaker.probed(now, alive=False)
    assert waits == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    now = breaker.probe_at_s
    breaker.begin_probe(now)
    breaker.probed(now, alive=True)
    assert (breaker.state, breaker.in_a_row, breaker.probe_at_s) == (BreakerState.CLOSED, 0, math.inf)
    for _ in range(3):
        breaker.failed(now, breaker.epoch)
    assert breaker.probe_at_s - now == 5.0


def test_an_open_time_above_the_bound_does_not_shrink_with_a_failed_probe() -> None:
    breaker = opened(open_s=120.0)
    breaker.begin_probe(120.0)
    breaker.probed(120.0, alive=False)
    assert breaker.probe_at_s == 240.0


def test_a_late_success_does_not_close_an_open_breaker_nor_a_late_failure_open_a_closed_one() -> None:
    breaker = Breaker(2, 5.0)
    before = breaker.epoch
    breaker.failed(0.0, before)
    breaker.failed(0.0, before)
    breaker.succeeded(before)
    assert breaker.state is BreakerState.OPEN
    breaker.begin_probe(5.0)
    breaker.succeeded(before)
    assert breaker.state is BreakerState.HALF_OPEN, "the probe alone decides"
    breaker.probed(5.0, alive=True)
    for _ in range(5):
        breaker.failed(6.0, before)
    assert breaker.state is BreakerState.CLOSED


def test_a_late_failure_does_not_make_the_probe_fail() -> None:
    breaker = opened()
    breaker.begin_probe(5.0)
    breaker.failed(5.0, breaker.epoch)
    assert breaker.state is BreakerState.HALF_OPEN


def test_breakers_that_share_their_epochs_have_none_in_common() -> None:
    epochs = itertools.count()
    first, second = Breaker(1, 5.0, epochs=epochs), Breaker(1, 5.0, epochs=epochs)
    seen = {first.epoch, second.epoch}
    first.failed(0.0, first.epoch)
    second.failed(0.0, second.epoch)
    assert len(seen | {first.epoch, second.epoch}) == 4


class BreakerMachine(RuleBasedStateMachine):
    """Requests and probes overlap in any order; a model of a few lines says where the breaker has to stand."""

    FAILURES, OPEN_S, MAX_OPEN_S = 3, 5.0, 20.0

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(self.FAILURES, self.OPEN_S, self.MAX_OPEN_S)
        self.now = 0.0
        self.era = 0
        """Of the model: moves on with every change of its state."""
        self.sent: list[tuple[int, int]] = []
        """Requests on their way: the breaker's epoch, the model's era."""
        self.state, self.row, self.failed_probes, self.due_s = "closed", 0, 0, math.inf

    def become(self, state: str) -> None:
        self.state, self.era = state, self.era + 1

    @rule(seconds=st.sampled_from([0.0, 1.0, 4.0, 10.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def send(self) -> None:
        self.sent.append((self.breaker.epoch, self.era))

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), ok=st.booleans())
    def answer(self, data: st.DataObject, ok: bool) -> None:
        epoch, era = self.sent.pop(data.draw(st.integers(0, len(self.sent) - 1)))
        counts = era == self.era and self.state == "closed"
        if ok:
            self.breaker.succeeded(epoch)
            self.row = 0 if counts else self.row
            return
        opens = self.breaker.failed(self.now, epoch)
        self.row += counts
        assert opens == (counts and self.row == self.FAILURES)
        if opens:
            self.failed_probes, self.due_s = 0, self.now + self.OPEN_S
            self.become("open")

    @rule(callers=st.integers(1, 5))
    def probe(self, callers: int) -> None:
        due = self.state == "open" and self.now >= self.due_s
        assert self.breaker.probe_due(self.now) == due
        assert sum(self.breaker.begin_probe(self.now) for _ in range(callers)) == due
        if due:
            self.become("half_open")

    @rule(alive=st.booleans())
    def end_of_probe(self, alive: bool) -> None:
        self.breaker.probed(self.now, alive=alive)
        if self.state == "half_open" and alive:
            self.row = 0
            self.become("closed")
        elif self.state == "half_open":
            self.failed_probes += 1
            self.due_s = self.now + min(self.OPEN_S * 2**self.failed_probes, self.MAX_OPEN_S)
            self.become("open")

    @invariant()
    def they_agree(self) -> None:
        assert self.breaker.state == self.state
        assert self.breaker.probe_at_s == (self.due_s if self.state == "open" else math.inf)
        assert self.breaker.in_a_row < self.FAILURES or self.state != "closed"


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
