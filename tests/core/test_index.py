"""The ordered index behaves like a sorted dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from thunderagent.core.index import OrderedIndex
from thunderagent.core.program import Program

ITEMS = {birth: Program(f"p{birth}", birth) for birth in range(8)}


@given(st.lists(st.tuples(st.sampled_from(sorted(ITEMS)), st.one_of(st.none(), st.integers(0, 5)))))
def test_first_is_the_smallest_key_whatever_was_put_moved_and_discarded(operations: list[tuple[int, int | None]]) -> None:
    index, model = OrderedIndex[Program](), dict[int, int]()
    for birth, key in operations:
        if key is None:
            index.discard(ITEMS[birth])
            model.pop(birth, None)
        else:
            index.put(ITEMS[birth], key)
            model[birth] = key
        expected = min(model, key=lambda b: (model[b], b), default=None)
        assert index.first() is (None if expected is None else ITEMS[expected])
        assert index.first_key() == (None if expected is None else model[expected])
        assert len(index) == len(model)
        assert {item.birth for item in index} == set(model)
        assert all((item in index) == (birth in model) for birth, item in ITEMS.items())


def test_stale_entries_do_not_pile_up_even_when_the_same_keys_come_back() -> None:
    index = OrderedIndex[Program]()
    for key in range(10_000):
        index.put(ITEMS[0], key % 3)
        index.discard(ITEMS[1])
        index.put(ITEMS[1], 7)
    assert len(index._heap) < 100
