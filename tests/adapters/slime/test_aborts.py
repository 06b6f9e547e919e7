"""A state's ``aborted`` tells of itself."""

from __future__ import annotations

import pytest

from thunderagent.adapters.slime.aborts import follow


def state_with(told: list[bool]) -> object:
    class State:
        def __init__(self) -> None:
            self.reset()

        def reset(self) -> None:
            self.aborted = False

    state = State()
    follow(state, told.append)
    return state


def test_changes_are_told_once_and_at_once() -> None:
    told: list[bool] = []
    state = state_with(told)
    assert state.aborted is False  # type: ignore[attr-defined]
    state.aborted = True  # type: ignore[attr-defined]
    assert told == [True]
    state.aborted = True  # type: ignore[attr-defined]
    assert state.aborted is True  # type: ignore[attr-defined]
    state.reset()  # type: ignore[attr-defined]
    assert told == [True, False]


def test_following_twice_tells_once_and_later_states_are_followed_too() -> None:
    told: list[bool] = []
    state = state_with(told)
    follow(state, told.append)
    another = type(state)()
    another.aborted = True
    assert told == [True]
    assert state.aborted is False  # type: ignore[attr-defined]


def test_a_state_that_has_none_lacks_it_still() -> None:
    state = state_with([])
    del vars(state)["aborted"]
    with pytest.raises(AttributeError, match="aborted"):
        state.aborted  # type: ignore[attr-defined]  # noqa: B018
