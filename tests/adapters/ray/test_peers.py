"""The scheduler's side of its links, without Ray: batches that overtake each other, and gateways that are silent."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from thunderagent.adapters.link.transport import Link
from thunderagent.adapters.ray.peers import END, InOrder, Peers


class Echo:
    def __init__(self, link: Link, told: list[str]) -> None:
        self._link, self._told = link, told

    def received(self, frame: bytes) -> None:
        self._link.send(frame)
        if frame == b"bye":
            self._link.close()
            self._link.send(b"nobody hears this")

    def lost(self, reason: str) -> None:
        self._told.append(reason)


@given(st.permutations(range(8)))
def test_batches_are_taken_in_their_order_whenever_they_come(order: list[int]) -> None:
    taken: list[bytes | None] = []
    inbox = InOrder(taken.append)
    for number in order:
        inbox.put(number, [b"%d" % number, b"-"] if number % 3 else [])
    assert [frame for frame in taken if frame != b"-"] == [b"%d" % number for number in range(8) if number % 3]


def test_what_overtakes_waits_for_what_was_sent_before() -> None:
    async def main() -> None:
        peers = Peers(lambda link: Echo(link, []))
        peers.open("a")
        assert await peers.exchange("a", 1, [b"second"]) == (0, [])
        assert await peers.exchange("a", 0, [b"first"]) == (1, [b"first", b"second"])

    asyncio.run(main())


def test_the_end_comes_after_the_last_words_whichever_call_brings_them() -> None:
    async def main() -> None:
        peers = Peers(lambda link: Echo(link, []))
        peers.open("a")
        poll = asyncio.create_task(peers.poll("a"))
        await asyncio.sleep(0)
        batches = [await peers.exchange("a", 0, [b"bye"]), await poll]
        frames: list[bytes | None] = []
        inbox = InOrder(frames.append)
        for batch in batches:
            assert batch is not None
            inbox.put(*batch)
        assert frames == [b"bye", END]

    asyncio.run(main())


def test_a_poll_without_anything_to_tell_is_answered_all_the_same() -> None:
    async def main() -> None:
        peers = Peers(lambda link: Echo(link, []), poll_s=0.0)
        peers.open("a")
        assert await peers.poll("a") == (0, [])

    asyncio.run(main())


def test_links_of_another_incarnation_are_not_known() -> None:
    async def main() -> None:
        peers = Peers(lambda link: Echo(link, []))
        assert await peers.poll("a") is None
        assert await peers.exchange("a", 0, [b"x"]) is None

    asyncio.run(main())


def test_who_is_silent_is_lost_once_and_who_waits_is_not() -> None:
    async def main() -> None:
        told: list[str] = []
        peers = Peers(lambda link: Echo(link, told), silent_s=-1.0)
        peers.open("silent")
        peers.open("waits")
        poll = asyncio.create_task(peers.poll("waits"))
        await asyncio.sleep(0)
        peers.look()
        peers.look()
        assert told == ["has not called for -1 s"]
        assert await peers.exchange("silent", 0, []) is None
        assert await peers.exchange("waits", 0, [END]) is not None
        assert told[1:] == ["has closed its link"]
        poll.cancel()

    asyncio.run(main())
