"""The ends of what a command writes, however long it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from thunderagent.adapters.tools.clipped import Clipped


@given(st.lists(st.binary(max_size=30)), st.integers(1, 50))
def test_both_ends_are_kept_and_all_that_is_missing_is_counted(parts: list[bytes], limit: int) -> None:
    clipped, whole = Clipped(limit), b"".join(parts).replace(b"\n", b" ")
    for part in parts:
        clipped.add(part.replace(b"\n", b" "))
    surplus = len(whole) - limit
    assert clipped.truncated == (surplus > 0)
    if surplus <= 0:
        assert clipped.text == whole.decode(errors="replace")
    else:
        head, tail = whole[: limit // 2], whole[limit // 2 + surplus :]
        assert clipped.text == (head + f"\n[... {surplus} bytes left out ...]\n".encode() + tail).decode(errors="replace")


def test_no_more_is_held_than_half_as_much_again() -> None:
    clipped = Clipped(1000)
    for _ in range(1000):
        clipped.add(b"x" * 100)
        assert len(clipped._head) + len(clipped._tail) <= 1500
