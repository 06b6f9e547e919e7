"""A gateway that runs already, as a training job uses it beside others: told of programs and weight syncs over HTTP.

Everything is said in a thread, in the order in which it was told: a rollout waits only for what has to be so at once.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from thunderagent.errors import ConfigError, ThunderAgentError

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
"""For an answer: all of them are made from memory."""
ADMIN_KEY_ENV = "THUNDERAGENT_ADMIN_KEY"
"""A job that brings engines needs one of the gateway's admin keys."""
IN_RAY = "ray:"
"""``ray:NAME``: the gateways of a scheduler that is an actor, in the cluster of the job."""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Proxies of the environment are for the world outside."""


class GatewayProblem(ThunderAgentError):
    """It does not answer, or refuses what is asked of it."""


def job_name(given: str | None) -> str:
    """How a job's programs begin: no two jobs have the same unless their users say so."""
    return given or secrets.token_hex(4)


def find(key: str, where: str, in_ray: Callable[[str], str]) -> RunningGateway:
    """The gateway at a URL, or of a scheduler in the job's Ray cluster (``ray:NAME``).

    Args:
        key: of the setting.
        where: its value.
        in_ray: finds the URL by the scheduler's name; raises ThunderAgentError.

    Raises:
        ConfigError: nobody is there, or somebody else.
    """
    try:
        url = in_ray(where.removeprefix(IN_RAY)) if where.startswith(IN_RAY) else where
    except ThunderAgentError as error:
        raise ConfigError(key, where, str(error)) from None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(key, where, "must be the URL of a gateway, such as http://10.0.0.1:8300, or ray:NAME")
    gateway = RunningGateway(url.rstrip("/"), os.environ.get(ADMIN_KEY_ENV))
    try:
        told = gateway.ask("GET", "/ready", answers_503=True)
    except GatewayProblem as problem:
        raise ConfigError(key, where, f"no gateway answers there ({problem}); start one with thunderagent serve") from None
    if not isinstance(told, dict) or not {"ready", "problems"} <= told.keys():
        raise ConfigError(key, where, "something answers there that is no gateway of thunderagent")
    return gateway


class RunningGateway:
    """All methods from any thread."""

    def __init__(self, url: str, admin_key: str | None = None) -> None:
        self.url = url
        self._headers = {"content-type": "application/json"}
        if admin_key:
            self._headers["authorization"] = f"Bearer {admin_key}"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="thunderagent-gateway-client")

    def tell(self, method: str, path: str, content: Any = None) -> Future[None]:
        """Some time soon; if it cannot be, that is in the log."""
        return self._thread.submit(self._tell, method, path, content)

    def ask(self, method: str, path: str, content: Any = None, *, answers_503: bool = False) -> Any:
        """The answer, decoded, after everything that was told before.

        Raises:
            GatewayProblem: there is none, or one that says no.
        """
        return self._thread.submit(self._ask, method, path, content, answers_503).result()

    def release(self, program_id: str) -> Future[None]:
        """A program is over."""
        return self.tell("POST", "/programs/release", {"program_id": program_id})

    def begin_weight_sync(self) -> None:
        """No turn starts from now on: of this job or another, the engines are the same.

        Raises:
            GatewayProblem: it cannot be told.
        """
        self.ask("POST", "/weight_sync/begin")

    def end_weight_sync(self, *, kv_lost: bool) -> None:
        """Turns may start; without a begin it only says that KV caches are lost.

        Raises:
            GatewayProblem: it cannot be told.
        """
        self.ask("POST", "/weight_sync/end", {"kv_lost": kv_lost})

    def share_engines(self, urls: Iterable[str]) -> None:
        """Have it schedule these engines too.

        Raises:
            GatewayProblem: it does not know one, and does not take it in.
        """
        known = {worker["url"].rstrip("/") for worker in self.ask("GET", "/workers")["workers"]}
        for url in urls:
            if url.rstrip("/") not in known:
                try:
                    self.ask("POST", "/workers", {"url": url})
                except GatewayProblem as problem:
                    told = f"the gateway at {self.url} does not know the engine {url}, and does not take it in ({problem})"
                    raise GatewayProblem(f"{told}; name it there, or set {ADMIN_KEY_ENV} to one of its admin keys") from None

    def metrics(self) -> dict[str, float]:
        """What it measures of all jobs together: its metrics that have no labels. Empty: it does not tell."""
        try:
            page = self._thread.submit(self._fetch, "GET", "/metrics", None, False).result().decode()
        except (GatewayProblem, UnicodeDecodeError) as problem:
            logger.debug("no metrics: %s", problem)
            return {}
        lines = (line.split(" ") for line in page.splitlines() if not line.startswith("#") and "{" not in line)
        return {parts[0].removeprefix("thunderagent_"): float(parts[1]) for parts in lines if len(parts) == 2}

    def close(self) -> None:
        """Everything that was told is said."""
        self._thread.shutdown()

    def _tell(self, method: str, path: str, content: Any) -> None:
        try:
            self._ask(method, path, content, False)
        except GatewayProblem as problem:  # a program that is not released is forgotten there after a while
            logger.warning("the gateway was not told %s: %s", path, problem)

    def _ask(self, method: str, path: str, content: Any, answers_503: bool) -> Any:
        try:
            return json.loads(self._fetch(method, path, content, answers_503) or b"null")
        except ValueError:
            raise GatewayProblem(f"{path} is not answered with JSON") from None

    def _fetch(self, method: str, path: str, content: Any, answers_503: bool) -> bytes:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.url + path, body, self._headers, method=method)
        try:
            with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if answers_503 and error.code == 503:
                return error.read()
            raise GatewayProblem(f"{path} is answered with status {error.code}{_message(error.read())}") from None
        except (OSError, ValueError) as error:
            raise GatewayProblem(str(getattr(error, "reason", error))) from None


def _message(body: bytes) -> str:
    try:
        return f": {json.loads(body)['error']['message']}"
    except (ValueError, LookupError, TypeError):
        return ""
