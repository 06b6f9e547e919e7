"""Requests that wait for long: a client that leaves does not want the answer any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")


async def while_client_waits(
    request: Request, work: Coroutine[Any, Any, T], *, too_late: Callable[[T], None] = lambda result: None
) -> T:
    """What the work comes to; it is cancelled when the client leaves. To be called when the body has been read.

    ``too_late``: gets what came of it just when the client left.

    Raises:
        ClientDisconnect: the client has left.
        Exception: whatever the work raises.
    """
    task, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not leaving.done():
            return task.result()
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled() and task.exception() is None:
            too_late(task.result())
        raise ClientDisconnect
    finally:
        leaving.cancel()
        task.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
