"""Whatever a gateway sends, the scheduler goes on, its sums are true, and other gateways notice nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import simulated_time
from tests.adapters.link.world import Desk, End, settled, simulated, world
from thunderagent.adapters.link import messages as m
from thunderagent.adapters.link.server import SILENT_S, SchedulerServer
from thunderagent.core import CapPolicy, ThunderPolicy

TAGS = [kind.__struct_config__.tag for kind in m.FromGateway.__args__] + ["welcome", "nonsense", 7, None]
numbers = st.integers(-3, 5) | st.sampled_from([2**40, 2**63, -(2**63)]) | st.floats()
texts = st.sampled_from(["p", "q", "a", "b", "completed", "failed", "cancelled", "refused", "lost", "\0", "ü" * 50])
values = st.recursive(numbers | texts | st.none() | st.booleans(), lambda inner: st.lists(inner, max_size=5), max_leaves=6)
anything = st.builds(lambda tag, rest: msgspec.msgpack.encode([tag, *rest]), st.sampled_from(TAGS), st.lists(values, max_size=14))

turn = st.integers(0, 4)
names = st.sampled_from(["p", "q", "g_0"])
backends = st.sampled_from(["a", "b", "nowhere"])
few = st.integers(0, 9_000)
seconds = st.floats(0, 1e9)
arrivals = st.builds(
    m.Arrive,
    *(turn, names, st.none() | few, few, few, names, names, names, names, few, few, st.integers(-5, 5)),
    *(st.none() | seconds, st.none() | st.integers(0, 2)),
)
counts = st.builds(m.Counts, few, few, st.none() | few, st.none() | seconds, st.none() | st.tuples(seconds, seconds, seconds))
plausible = st.one_of(
    arrivals,
    st.builds(m.Adopt, arrivals, backends, seconds, seconds),
    st.builds(m.FirstToken, turn),
    st.builds(m.Progress, turn, few),
    st.builds(m.Failed, turn, st.booleans()),
    st.builds(m.Again, turn),
    st.builds(
        m.Left, turn, st.sampled_from(["completed", "failed", "cancelled", "refused", "lost", "odd"]), st.none() | counts, names
    ),
    st.builds(m.Sent, turn, backends, st.booleans()),
    st.builds(m.Ended, turn, st.none() | st.booleans(), st.booleans()),
    st.builds(m.Release, names),
    st.builds(m.Withdraw, names),
    st.builds(m.Weights, backends, names),
    st.builds(m.Attach, turn, names, st.lists(st.sampled_from(["box", "unknown", "breaks", "hangs"]), max_size=2)),
    st.just(m.Hello(m.VERSION)),
).map(m.encode)
frames = st.lists(st.tuples(plausible | plausible | plausible | anything | st.binary(max_size=40), st.booleans()), max_size=40)


@settings(max_examples=150, deadline=None)
@given(frames, st.booleans())
def test_nothing_that_a_gateway_sends_harms_the_scheduler(sent: list[tuple[bytes, bool]], thunder: bool) -> None:
    async def scenario() -> None:
        desk = Desk(ThunderPolicy() if thunder else CapPolicy(1))
        desk.runtime.add_backend("a", 10_000)
        desk.runtime.add_backend("b", 5_000)
        server = SchedulerServer(desk, port=1)
        peer = None
        for frame, waits in sent:
            if peer is None or peer._closed:
                end = End()
                end.other = End()
                peer = server.accept(end)
                peer.received(m.encode(m.Hello(m.VERSION)))
            peer.received(frame)
            if waits:
                await settled()
            desk.runtime.scheduler.check_invariants()
            assert not desk.runtime.degraded
        server.close()
        await settled()
        assert not desk.runtime.degraded
        desk.runtime.scheduler.check_invariants()
        assert desk.runtime.scheduler.waiting_turns == 0
        assert not any(program.running for program in desk.runtime.scheduler.programs.values())
        assert not desk.in_flight

    simulated_time.run(scenario())


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ([m.Hello(2)], "speaks version 2"),
        ([m.Release("p")], "first message"),
        ([m.Hello(m.VERSION), m.Hello(m.VERSION)], "first message"),
        ([m.Hello(m.VERSION), m.Again(1)], "not known"),
        ([m.Hello(m.VERSION), m.Left(1, "odd", None, "")], "an outcome"),
        ([m.Hello(m.VERSION), m.Sent(1, "a", False), m.Sent(1, "a", False)], "two requests"),
        ([m.Hello(m.VERSION), b"\x93no"], "is no message"),
    ],
)
def test_a_gateway_that_breaks_the_protocol_is_told_why_and_sent_away(sent: list[Any], reason: str) -> None:
    @simulated
    async def run() -> None:
        async with world() as w:
            assert w.server is not None
            end, told = End(), End()
            end.other = told
            peer = w.server.accept(end)
            for message in sent:
                peer.received(message if isinstance(message, bytes) else m.encode(message))
            last = m.read_scheduler(end.sent[-1])
            assert isinstance(last, m.Denied)
            assert reason in last.reason
            peer.received(m.encode(m.Hello(m.VERSION)))
            assert w.server.gateways == 0

    run()


@simulated
async def test_who_dials_and_says_nothing_is_sent_away() -> None:
    async with world() as w:
        assert w.server is not None
        end = End()
        end.other = End()
        w.server.accept(end)
        await asyncio.sleep(SILENT_S + 2.0)
        assert isinstance(m.read_scheduler(end.sent[-1]), m.Denied)


@simulated
async def test_a_scheduler_that_sends_what_is_no_message_is_dialled_anew() -> None:
    async with world() as w:
        gateway = await w.gateway()
        w.links[0].other.send(b"\xff\xff")
        await asyncio.sleep(1.0)
        assert len(w.links) == 2
        assert gateway.line.connected
