"""Which keys open what."""

from __future__ import annotations

import pytest

from thunderagent.adapters.gateway.access import Access, Need
from thunderagent.adapters.gateway.keys import Keys
from thunderagent.errors import RequestProblem

NO_KEY: list[tuple[bytes, bytes]] = []
API = [(b"authorization", b"Bearer api")]
ADMIN = [(b"x-api-key", b"admin")]
NONE_CONFIGURED = Access(Keys(), Keys())
API_ONLY = Access(Keys(["api"]), Keys())
ADMIN_ONLY = Access(Keys(), Keys(["admin"]))
BOTH = Access(Keys(["api"]), Keys(["admin"]))


@pytest.mark.parametrize(
    ("access", "need", "nobody", "client", "admin"),
    [
        (NONE_CONFIGURED, Need.NOTHING, True, True, True),
        (NONE_CONFIGURED, Need.USE, True, True, True),
        (NONE_CONFIGURED, Need.READ, True, True, True),
        (NONE_CONFIGURED, Need.CHANGE, True, True, True),
        (NONE_CONFIGURED, Need.ADMIN, False, False, False),
        (API_ONLY, Need.NOTHING, True, True, True),
        (API_ONLY, Need.USE, False, True, False),
        (API_ONLY, Need.READ, False, True, False),
        (API_ONLY, Need.CHANGE, False, True, False),
        (API_ONLY, Need.ADMIN, False, False, False),
        (ADMIN_ONLY, Need.NOTHING, True, True, True),
        (ADMIN_ONLY, Need.USE, True, True, True),
        (ADMIN_ONLY, Need.READ, False, False, True),
        (ADMIN_ONLY, Need.CHANGE, False, False, True),
        (ADMIN_ONLY, Need.ADMIN, False, False, True),
        (BOTH, Need.NOTHING, True, True, True),
        (BOTH, Need.USE, False, True, True),
        (BOTH, Need.READ, False, False, True),
        (NONE_CONFIGURED, Need.CONTROL, True, True, True),
        (API_ONLY, Need.CONTROL, False, True, False),
        (BOTH, Need.CONTROL, False, False, True),
        (BOTH, Need.CHANGE, False, True, True),
        (BOTH, Need.ADMIN, False, False, True),
    ],
)
def test_who_may_what(access: Access, need: Need, nobody: bool, client: bool, admin: bool) -> None:
    assert tuple(access.allows(need, headers) for headers in (NO_KEY, API, ADMIN)) == (nobody, client, admin)


@pytest.mark.parametrize(
    ("access", "need", "status", "reason"),
    [
        (BOTH, Need.USE, 401, "invalid_api_key"),
        (BOTH, Need.READ, 401, "invalid_api_key"),
        (BOTH, Need.CONTROL, 401, "invalid_api_key"),
        (BOTH, Need.ADMIN, 403, "admin_key_required"),
        (API_ONLY, Need.ADMIN, 403, "no_admin_key"),
        (NONE_CONFIGURED, Need.ADMIN, 403, "no_admin_key"),
    ],
)
def test_a_refusal_says_what_is_missing_and_shows_no_key(access: Access, need: Need, status: int, reason: str) -> None:
    with pytest.raises(RequestProblem) as caught:
        access.check(need, [(b"x-api-key", b"guessed-key")])
    assert (caught.value.status, caught.value.reason) == (status, reason)
    assert "guessed-key" not in str(caught.value)


def test_who_may_passes() -> None:
    BOTH.check(Need.ADMIN, ADMIN)
    BOTH.check(Need.USE, API)
