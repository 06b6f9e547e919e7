"""What clients are told when a request cannot be answered."""

from __future__ import annotations

import pytest

from thunderagent.adapters.gateway.setbacks import STATUS_OF_CAUSE, problem_of, with_answer
from thunderagent.core import RefuseCause
from thunderagent.errors import TurnRefused


def test_every_cause_of_a_refusal_has_a_status_of_its_own_choice() -> None:
    assert set(RefuseCause) <= set(STATUS_OF_CAUSE)
    assert set(STATUS_OF_CAUSE) - set(RefuseCause) == {"queue_full", "wait_timeout"}


@pytest.mark.parametrize("cause", [RefuseCause.NO_BACKEND, RefuseCause.TOO_MANY_PROGRAMS, "queue_full", "wait_timeout"])
def test_a_refusal_that_may_pass_says_when_to_come_back(cause: str) -> None:
    problem = problem_of(TurnRefused("p", cause, "not now", 5.0))
    assert (problem.reason, str(problem), problem.retry_after_s) == (cause, "not now", 5.0)
    assert problem.status in (429, 503)


def test_a_context_that_fits_nowhere_is_told_as_openai_tells_it() -> None:
    problem = problem_of(TurnRefused("p", RefuseCause.TOO_LARGE, "too long"))
    assert (problem.status, problem.reason, problem.retry_after_s) == (400, "context_length_exceeded", None)
    assert str(problem).startswith("This model's maximum context length is")


@pytest.mark.parametrize(("status", "told", "reason"), [(429, 429, "backend_busy"), (500, 503, "backend_failed")])
def test_the_engines_advice_when_to_come_back_is_passed_on(status: int, told: int, reason: str) -> None:
    failed = with_answer(status, b"7", "http://a")
    assert (failed.status, failed.retry_after_s) == (status, 7.0)
    assert (failed.problem.status, failed.problem.reason, failed.problem.retry_after_s) == (told, reason, 7.0)
    assert with_answer(status, None, "http://a").problem.retry_after_s == 1.0
