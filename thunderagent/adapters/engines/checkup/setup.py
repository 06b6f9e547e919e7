"""How an engine was started, read from its own pages: what ``Reading`` has no use for while it serves."""

from __future__ import annotations

from typing import Any

from thunderagent.adapters.engines.checkup.facts import Model, Setup
from thunderagent.adapters.engines.engine import Http, Page
from thunderagent.adapters.engines.pages import json_of, metrics_of, optional_json
from thunderagent.adapters.engines.prometheus import samples
from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.adapters.engines.vllm import CACHE, METRICS, SERVER_INFO
from thunderagent.errors import EngineProblem

CREATED = "vllm:prompt_tokens_created"
"""When a process made this counter, in microseconds: no two have the same."""


async def setup_of(http: Http, kind: EngineKind) -> Setup:
    """As far as it tells; a page that is not there, or nonsense, tells nothing."""
    return await (_sglang(http) if kind is EngineKind.SGLANG else _vllm(http))


def models_of(page: Page) -> tuple[Model, ...]:
    """Of ``/v1/models``.

    Raises:
        EngineProblem: it is something else.
    """
    entries = json_of(page, "/v1/models").get("data")
    if not isinstance(entries, list):
        raise EngineProblem("/v1/models has no list of models")
    return tuple(
        Model(entry["id"], _whole(entry.get("max_model_len")), entry.get("owned_by"))
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    )


async def _vllm(http: Http) -> Setup:
    """SkyRL's servers and the embedded engine have the same pages."""
    version, sources, paused = [await _json(http, path) for path in ("/version", "/kv_event_sources", "/is_paused")]
    labels, created = await _cache(http)
    if paused is not None:
        await _json(http, SERVER_INFO)  # it takes vLLM some seconds once: longer than `Vllm.read` waits
    return Setup(
        version=_text(version, "version"),
        metrics=None if labels is None else bool(labels),
        prefix_caching=_bool(labels, "enable_prefix_caching"),
        block_tokens=_whole((labels or {}).get("block_size")),
        kv_events=None if sources is None else any(_publishes(source) for source in sources.values()),
        development=paused is not None,
        fingerprint=created,
    )


async def _cache(http: Http) -> tuple[dict[str, str] | None, str | None]:
    """The configuration of its cache, empty if the page has none, and what tells processes apart."""
    try:
        found = samples(metrics_of(await http.get(METRICS), METRICS), (CACHE, CREATED))
    except (EngineProblem, ValueError):
        return None, None
    infos, created = found[CACHE], found[CREATED]
    return dict(infos[0].labels) if infos else {}, repr(created[0].value) if created else None


async def _sglang(http: Http) -> Setup:
    told = await _json(http, "/server_info", "/get_server_info")
    if told is None:
        return Setup()
    off = _bool(told, "disable_radix_cache")
    return Setup(
        version=_text(told, "version"),
        metrics=_bool(told, "enable_metrics"),
        prefix_caching=None if off is None else not off,
        block_tokens=_whole(told.get("page_size")),
        cache_report=_bool(told, "enable_cache_report"),
        kv_events=bool(told["kv_events_config"]) if "kv_events_config" in told else None,
        development=True,  # its endpoints for weight syncs need no flag
    )


async def _json(http: Http, *paths: str) -> dict[str, Any] | None:
    try:
        return await optional_json(http, *paths)
    except EngineProblem:
        return None


def _publishes(source: Any) -> bool:
    return isinstance(source, dict) and bool(source.get("enable_kv_cache_events"))


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _bool(told: Any, name: str) -> bool | None:
    value = (told or {}).get(name)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def _text(told: dict[str, Any] | None, name: str) -> str | None:
    value = (told or {}).get(name)
    return value if isinstance(value, str) else None
