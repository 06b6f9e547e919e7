"""What can go wrong with sandboxes, in the words and the status that clients are told."""

from __future__ import annotations

from thunderagent.errors import RequestProblem, SandboxError, SandboxGone, SandboxProblem, SandboxRefused

FAILED_RETRY_AFTER_S = 5.0
"""Advice where a container engine failed: about the time in which a supervisor restarts it."""
REFUSED, UNKNOWN, FAILED = "sandbox_refused", "unknown_sandbox", "tools_failed"
"""Reasons, for machines."""


def no_tools() -> RequestProblem:
    """The gateway was started without them."""
    message = "this gateway runs no sandboxes; start it with --tools docker (or bubblewrap, or your own: module:name)"
    return RequestProblem(400, "no_tools", message)


def problem_of(error: SandboxError) -> RequestProblem:
    """422: asking again does not help; 503: it may; 404: there is no such sandbox; 502: what makes them is broken."""
    match error:
        case SandboxRefused():
            status = 422 if error.retry_after_s is None else 503
            return RequestProblem(status, REFUSED, error.reason, retry_after_s=error.retry_after_s)
        case SandboxGone():
            return RequestProblem(404, UNKNOWN, str(error))
        case SandboxProblem(permanent=True):
            return RequestProblem(502, FAILED, str(error))
        case _:
            return RequestProblem(503, FAILED, str(error), retry_after_s=FAILED_RETRY_AFTER_S)
