"""A decaying sum is the sum of its decaying terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderagent.core.decaying_sum import DecayingSum


@given(st.lists(st.tuples(st.floats(0, 20), st.one_of(st.none(), st.integers(1, 10_000))), max_size=30))
def test_it_equals_the_terms_added_up_one_by_one(steps: list[tuple[float, int | None]]) -> None:
    """A step lets time pass, then adds a value, or takes out the oldest one."""
    total, terms, now = DecayingSum(2.0), list[tuple[int, float]](), 0.0
    for seconds, value in steps:
        now += seconds
        if value is not None:
            total.add(value, now)
            terms.append((value, now))
        elif terms:
            total.remove(*terms.pop(0), now)
        assert total.at(now) == pytest.approx(sum(v * 0.5 ** ((now - added) / 2.0) for v, added in terms), abs=1e-6)


def test_without_terms_it_is_exactly_zero_whatever_rounding_left() -> None:
    total = DecayingSum(1.0)
    total.add(0.1, 0.0)
    total.add(0.2, 0.3)
    total.remove(0.1, 0.0, 0.7)
    total.remove(0.2, 0.3, 0.9)
    assert total.at(1.0) == 0.0
