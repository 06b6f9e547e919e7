"""Slots that are lent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from thunderagent.core.resources.leases import Slots


def test_whoever_asks_gets_the_lowest_free_slot_until_there_is_none() -> None:
    slots = Slots([8, 7])
    assert [slots.lease("p", 0, 10), slots.lease("q", 0, 10), slots.lease("r", 0, 10)] == [7, 8, None]


def test_the_end_of_a_program_frees_all_its_slots() -> None:
    slots = Slots(range(3))
    slots.lease("p", 0, 10)
    slots.lease("q", 0, 10)
    slots.lease("p", 0, 10)
    assert slots.release("p") == [0, 2]
    assert slots.release("p") == []
    assert slots.free == 2
    assert slots.lease("r", 0, 10) == 0


def test_a_lease_that_is_not_renewed_ends() -> None:
    slots = Slots([7])
    slots.lease("p", 0, 10)
    assert slots.next_end_s == 10
    assert slots.renew("p", 7, 9, 10)
    assert slots.lease("q", 18, 10) is None
    assert slots.lease("q", 19, 10) == 7
    assert not slots.renew("p", 7, 19, 10), "it is another's"
    assert slots.expire(29) == [7]
    assert (slots.next_end_s, slots.free) == (None, 1)
    assert not slots.renew("q", 7, 29, 10)


@given(st.lists(st.tuples(st.sampled_from("lre"), st.integers(0, 3), st.integers(1, 5)), max_size=60))
def test_no_slot_is_ever_lent_to_two_or_lost(steps: list[tuple[str, int, int]]) -> None:
    slots, held = Slots(range(4)), dict[int, tuple[str, int]]()
    for now, (kind, program, length) in enumerate(steps, start=1):
        held = {slot: (owner, end) for slot, (owner, end) in held.items() if end > now}
        name = f"p{program}"
        if kind == "l":
            slot = slots.lease(name, now, length)
            assert (slot is None) == (len(held) == 4)
            if slot is not None:
                assert slot not in held
                held[slot] = (name, now + length)
        elif kind == "r":
            slots.expire(now)
            mine = sorted(slot for slot, (owner, _) in held.items() if owner == name)
            assert slots.release(name) == mine
            held = {slot: kept for slot, kept in held.items() if kept[0] != name}
        else:
            slots.expire(now)
        assert slots.free == 4 - len(held) or kind == "l"


def test_slots_of_an_earlier_life_are_taken_and_those_that_are_none_are_not() -> None:
    slots = Slots(range(3))
    assert slots.recover("p", 1, 0, 10)
    assert not slots.recover("q", 1, 0, 10), "it is p's"
    assert not slots.recover("q", 7, 0, 10), "there is none"
    assert slots.of_program("p") == [1]
    assert [slots.lease("q", 0, 10), slots.lease("q", 0, 10), slots.lease("q", 0, 10)] == [0, 2, None]
    assert slots.release("p") == [1]
