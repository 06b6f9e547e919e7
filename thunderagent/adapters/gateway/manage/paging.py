"""Long lists in pages, by id: a page begins after an id, whether or not that is still there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from typing import Self
from urllib.parse import urlencode

from starlette.requests import Request

from thunderagent.adapters.gateway.manage.endpoint import Parameter
from thunderagent.adapters.gateway.manage.reading import integer, one

DEFAULT_LIMIT = 1_000
MAX_LIMIT = 10_000
"""A page of so many programs is about 4 MB and takes the loop some 30 ms."""

PARAMETERS = (
    Parameter("limit", "At most so many.", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
    Parameter("after", "Begin after this id (the order is that of the ids).", {"type": "string"}),
)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part is asked for."""

    limit: int
    after: str

    @classmethod
    def of(cls, request: Request) -> Self:
        """As the query says.

        Raises:
            RequestProblem: 400, it makes no sense.
        """
        return cls(integer(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT), one(request, "after") or "")

    def cut(self, ids: Iterable[str]) -> tuple[list[str], bool]:
        """The ids on this page in order, and whether more follow. O(n log limit)."""
        found = nsmallest(self.limit + 1, (i for i in ids if i > self.after) if self.after else ids)
        return found[: self.limit], len(found) > self.limit

    def headers(self, request: Request, shown: list[str], total: int, *, more: bool) -> dict[str, str]:
        """``X-Total-Count``, and the next page as ``Link`` (RFC 8288), so that the body stays what the public API has."""
        headers = {"x-total-count": str(total)}
        if more:
            query = {**dict(request.query_params), "limit": str(self.limit), "after": shown[-1]}
            headers["link"] = f'<{request.url.path}?{urlencode(query)}>; rel="next"'
        return headers
