"""What can go wrong with a generating request, in the words and the status that its client is told."""

from __future__ import annotations

import time
from dataclasses import dataclass

from thunderagent.adapters.gateway.reply import UpstreamError
from thunderagent.adapters.gateway.retry import parse_retry_after
from thunderagent.errors import RequestProblem, TurnRefused

DRAIN_RETRY_AFTER_S = 1.0
"""Another gateway can take it at once."""
RECOVERY_RETRY_AFTER_S = 1.0
"""100,000 programs are back within seconds."""
BUSY_RETRY_AFTER_S = 1.0
"""Where the engine gave no advice: about a few turns of others."""
TOO_LARGE = "context_too_large"
TOO_LARGE_CODE = "context_length_exceeded"
TOO_LARGE_MESSAGE = "This model's maximum context length is what an engine can hold: "
"""OpenAI's code and the beginning of its message: by one or the other, clients see that another try is of no use."""
STATUS_OF_CAUSE = {
    "no_backend": 503,
    TOO_LARGE: 400,
    "too_many_programs": 429,
    "program_released": 409,
    "queue_full": 429,
    "wait_timeout": 503,
}
"""HTTP status of a refused turn, by its cause."""


@dataclass(frozen=True, slots=True)
class FailedTry:
    """A try that gave the client nothing, and may be repeated."""

    status: int | None
    """That the engine answered; None: nothing."""
    problem: RequestProblem
    """For the client, if there is no further try."""
    retry_after_s: float | None = None


def without_answer(error: UpstreamError) -> FailedTry:
    """The engine could not be reached, or did not answer."""
    return FailedTry(None, RequestProblem(503, "backend_failed", str(error), retry_after_s=BUSY_RETRY_AFTER_S))


def with_answer(status: int, retry_after: bytes | None, backend: str) -> FailedTry:
    """The engine answered that it cannot now; ``retry_after``: its header of this name."""
    after_s = parse_retry_after(retry_after.decode("latin-1"), time.time()) if retry_after is not None else None
    advice_s = after_s or BUSY_RETRY_AFTER_S
    if status == 429:
        problem = RequestProblem(429, "backend_busy", f"engine {backend} has too much to do", retry_after_s=advice_s)
    else:
        problem = RequestProblem(503, "backend_failed", f"engine {backend} answered {status}", retry_after_s=advice_s)
    return FailedTry(status, problem, after_s)


def broken_off(error: UpstreamError) -> RequestProblem:
    """The answer had begun."""
    return RequestProblem(502, "backend_failed", str(error))


def timed_out(timeout_s: float) -> RequestProblem:
    """The deadline has passed."""
    return RequestProblem(504, "timeout", f"there was no whole answer after {timeout_s:g} s")


def recovering() -> RequestProblem:
    """It has just started, and does not know yet which programs there were."""
    message = "the gateway was started anew and recovers its programs"
    return RequestProblem(503, "recovering", message, retry_after_s=RECOVERY_RETRY_AFTER_S)


def draining() -> RequestProblem:
    """The gateway is about to stop."""
    return RequestProblem(503, "draining", "this gateway is shutting down; send it to another", retry_after_s=DRAIN_RETRY_AFTER_S)


def too_much_held(limit_bytes: int) -> RequestProblem:
    """Too many bytes of bodies are here."""
    message = f"requests of more than {limit_bytes:,} bytes are here"
    return RequestProblem(429, "queue_full", message, retry_after_s=BUSY_RETRY_AFTER_S)


def nobodys_containers() -> RequestProblem:
    """Containers are released with their program, and there is none."""
    message = "docker_ids needs a program_id, in the body or as X-Program-ID: the containers are released with the program"
    return RequestProblem(400, "missing_program_id", message, param="program_id")


def problem_of(refused: TurnRefused) -> RequestProblem:
    """The scheduler will not run it."""
    status = STATUS_OF_CAUSE.get(refused.cause, 503)
    if refused.cause == TOO_LARGE:
        return RequestProblem(status, TOO_LARGE_CODE, TOO_LARGE_MESSAGE + refused.reason)
    return RequestProblem(status, refused.cause, refused.reason, retry_after_s=refused.retry_after_s)
