"""Which kind of engine answers at an address."""

from __future__ import annotations

from typing import Any

from thunderagent.adapters.engines.engine import Engine, Http, Page
from thunderagent.adapters.engines.pages import optional_json
from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.adapters.engines.sglang import LOADS, MODEL_INFO, Sglang
from thunderagent.adapters.engines.skyrl import Skyrl
from thunderagent.adapters.engines.vllm import METRICS, Vllm

AUTO = "auto"
ENGINE_KINDS = (AUTO, *(kind.value for kind in EngineKind))
"""What users may say that their engines are."""
SKYRL_GENERATE = "/skyrl/v1/generate"
_ENGINES: dict[EngineKind, type[Vllm] | type[Sglang]] = {
    EngineKind.VLLM: Vllm,
    EngineKind.SGLANG: Sglang,
    EngineKind.SKYRL: Skyrl,
}
_OWNERS = {"vllm": EngineKind.VLLM, "sglang": EngineKind.SGLANG}


def engine_of(kind: EngineKind) -> Engine:
    """A new one, of which nothing is known yet."""
    return _ENGINES[kind]()


def same_family(one: EngineKind, other: EngineKind) -> bool:
    """Whether each can be read as the other: SkyRL serves vLLM."""
    return (one is EngineKind.SGLANG) == (other is EngineKind.SGLANG)


async def detect(http: Http) -> EngineKind | None:
    """What its pages show; None: nothing that is known. Cheap questions first: most engines answer the first one.

    Raises:
        EngineProblem: it does not answer.
    """
    page = await http.get(METRICS)
    if _has(page, b"vllm:"):
        return EngineKind.VLLM
    if _has(page, b"sglang:"):
        return EngineKind.SGLANG
    if isinstance((await optional_json(http, LOADS) or {}).get("loads"), list):
        return EngineKind.SGLANG
    if (await http.get(SKYRL_GENERATE)).status == 405:  # it is there, for POST
        return EngineKind.SKYRL
    if "is_generation" in (await optional_json(http, *MODEL_INFO) or {}):
        return EngineKind.SGLANG
    return _OWNERS.get(_owner(await optional_json(http, "/v1/models") or {}))


def _has(page: Page, prefix: bytes) -> bool:
    return page.status == 200 and (b"\n" + prefix in page.body or page.body.startswith(prefix))


def _owner(models: dict[str, Any]) -> str:
    """Who serves, as the list of models tells."""
    match models.get("data"):
        case [{"owned_by": str(owner)}, *_]:
            return owner
    return ""
