"""Engines that somebody else serves: a look at each before anything is started."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from thunderagent.errors import ConfigError

LOOK_TIMEOUT_S = 5.0
GENERATE = "/inference/v1/generate"
"""SkyRL's route for turns, tokens in and tokens out."""
PAUSED = "/is_paused"
"""Stands for the development endpoints, of which a weight sync needs ``/pause`` and ``/resume``."""

ABSENT = (403, 404, 405)
"""vLLM 0.32 answers 403 where a flag is missing."""


def require_served(urls: list[str], model: str | None) -> None:
    """Look at every engine once.

    Raises:
        ConfigError: names the first that does not answer, lacks an endpoint, or serves another model.
    """
    for url in urls:
        _status("GET", url, "/metrics")  # whatever the answer is, it is there
        if _status("POST", url, GENERATE) in ABSENT:
            raise ConfigError("engine.urls", url, f"it has no {GENERATE}; start vLLM with --enable-scale-out")
        if _status("GET", url, PAUSED) in ABSENT:
            raise ConfigError(
                "engine.urls", url, "it cannot be paused; start vLLM with VLLM_SERVER_DEV_MODE=1 in its environment"
            )
        served = _served_models(url)
        if served and model not in served:
            raise ConfigError("model", model, f"must be one of those that {url} serves: {', '.join(served)}")


def _status(method: str, url: str, path: str) -> int:
    body = b"{}" if method == "POST" else None
    request = urllib.request.Request(url + path, data=body, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=LOOK_TIMEOUT_S) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError) as error:
        raise ConfigError("engine.urls", url, f"no engine answers there ({error}); start it, or correct the address") from None


def _served_models(url: str) -> list[str]:
    """Names that the engine answers to; none if it does not tell."""
    try:
        with urllib.request.urlopen(f"{url}/v1/models", timeout=LOOK_TIMEOUT_S) as response:
            return [str(entry["id"]) for entry in json.load(response)["data"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
