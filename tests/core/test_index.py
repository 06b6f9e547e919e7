"""The ordered index behaves like a sorted dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from thunderagent.core.index import OrderedIndex

ids = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(ids, st.one_of(st.none(), st.integers(0, 5)))))
def test_first_is_the_smallest_key_whatever_was_put_moved_and_discarded(operations: list[tuple[str, int | None]]) -> None:
    index, model = OrderedIndex(), dict[str, tuple[float, ...]]()
    for item, key in operations:
        if key is None:
            index.discard(item)
            model.pop(item, None)
        else:
            index.put(item, (key,))
            model[item] = (key,)
        expected = min(model, key=lambda i: (model[i], i), default=None)
        assert index.first() == expected
        assert len(index) == len(model)
        assert set(index) == set(model)


def test_stale_entries_do_not_pile_up() -> None:
    index = OrderedIndex()
    for key in range(10_000):
        index.put("a", (key,))
    assert len(index._heap) < 100
    assert "a" in index
