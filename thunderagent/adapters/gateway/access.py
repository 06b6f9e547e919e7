"""Who may ask what, by the keys that a request shows."""

from __future__ import annotations

from enum import Enum

from thunderagent.adapters.gateway.keys import Headers, Keys
from thunderagent.errors import RequestProblem


class Need(Enum):
    """What an endpoint asks of its client."""

    NOTHING = "nothing"
    """Open to all: whether the gateway lives is asked by machines without keys."""
    USE = "use"
    """Generating and releasing: an API or admin key where API keys are configured. Who may generate may release."""
    READ = "read"
    """Views: an admin key where admin keys are configured, else an API key where those are."""
    CONTROL = "control"
    """What acts on engines: the same."""
    CHANGE = "change"
    """What concerns all programs (weight syncs): an admin key or an API key where any key is configured."""
    ADMIN = "admin"
    """What makes the gateway send requests to addresses that it is told: an admin key, and never without one."""


class Access:
    """The keys of one gateway."""

    def __init__(self, api: Keys, admin: Keys) -> None:
        self.api, self.admin = api, admin

    def allows(self, need: Need, headers: Headers) -> bool:
        """Whether a request with these headers may."""
        if need is Need.NOTHING:
            return True
        if need is Need.ADMIN:
            return self.admin.given(headers)
        if need in (Need.READ, Need.CONTROL) and self.admin:
            return self.admin.given(headers)
        if self.api or (need is Need.CHANGE and self.admin):
            return self.api.given(headers) | self.admin.given(headers)  # both are always looked at
        return True

    def check(self, need: Need, headers: Headers) -> None:
        """Let a request with these headers pass.

        Raises:
            RequestProblem: 401, a key is missing or wrong; 403, only an admin key opens this.
        """
        if self.allows(need, headers):
            return
        if need is not Need.ADMIN:
            raise RequestProblem(
                401, "invalid_api_key", f"this needs {self._wanted(need)}, as 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'"
            )
        if not self.admin:
            raise RequestProblem(
                403, "no_admin_key", "engines can be added and removed only if the gateway was started with an admin key"
            )
        raise RequestProblem(
            403, "admin_key_required", "this needs an admin key, as 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'"
        )

    def _wanted(self, need: Need) -> str:
        return "an admin key" if need in (Need.READ, Need.CONTROL) and self.admin else "an API key"
