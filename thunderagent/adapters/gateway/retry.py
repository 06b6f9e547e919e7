"""Whether and when a failed try of a request is followed by another one. Pure: time and randomness are arguments.

To be asked only while no byte of an answer has reached the client. How many retries may be in engines at once is a budget of its
own (``most_retries``, ``retries.py``).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from thunderagent.adapters.gateway.settings import GatewaySettings

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Answers after which the same request may succeed. Every other one is about the request itself."""
FIRST_BACKOFF_S = 0.05
"""An engine's front that restarts a connection is back by then."""
BACKOFF_FACTOR = 2.0
MAX_BACKOFF_S = 2.0
"""With five tries, waits come to less than a second on average; more tries do not wait for ever."""
TRIES_AT_HOME = 2
"""One failure is often a broken connection only, and the program's KV cache is there; after the second it goes elsewhere."""
LEAST_RETRIES = 3
"""So many retries may be in engines whatever the share: with few requests in flight a share of them is none."""


def may_retry(
    status: int | None,
    attempt: int,
    settings: GatewaySettings,
    *,
    deadline_left_s: float,
    retry_after_s: float | None = None,
    draw: Callable[[], float] = random.random,
) -> float | None:
    """Seconds to wait before the next try; None: give up, the client gets what there is.

    ``status`` None: no answer came (no connection, reset, time-out). ``attempt`` is the one that failed, 1 for the first.
    ``retry_after_s`` is what the engine asked for; the jitter comes on top, so that not all come back at once. A wait that would
    use up the deadline is not begun. ``draw`` gives numbers from 0 to below 1.
    """
    if attempt >= settings.attempts or (status is not None and status not in RETRIED_STATUSES):
        return None
    backoff_s = min(FIRST_BACKOFF_S * BACKOFF_FACTOR ** min(attempt - 1, 100), MAX_BACKOFF_S)
    delay_s = draw() * backoff_s + (retry_after_s or 0.0)
    return delay_s if delay_s < deadline_left_s else None


def goes_elsewhere(attempt: int) -> bool:
    """Whether the try after this one had better be on another backend (``Turn.failed``)."""
    return attempt >= TRIES_AT_HOME


def most_retries(in_flight: int, settings: GatewaySettings) -> int:
    """Retries that may be in engines at once while so many requests are in flight."""
    return max(LEAST_RETRIES, int(settings.retry_share * in_flight))


def parse_retry_after(header: str | None, unix_now: float) -> float | None:
    """Seconds that a ``Retry-After`` header asks for: a number, or an HTTP date. None: there is none, or it says nothing."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])  # longer ones are years too
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - unix_now)
