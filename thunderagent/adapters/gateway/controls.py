"""Requests that act on engines: what each means for scheduled turns, once an engine has answered it with 200.

From the sources of vLLM 0.32 (development and RL endpoints) and SGLang 0.5.23.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

NOTHING: frozenset[str] = frozenset()
PAUSED = frozenset({"paused"})
ASLEEP = frozenset({"asleep"})
MEMORY = frozenset({"weights", "kv_cache", "cuda_graph"})
"""What SGLang can release and resume, by its tags."""
_FALSE = ("false", "0", "no", "off", "f", "n")
"""As vLLM's framework reads a flag."""


class Said(NamedTuple):
    """A request and its answer, as far as they are JSON."""

    query: dict[str, str]
    body: dict[str, Any]
    answer: dict[str, Any]

    def flag(self, name: str, default: bool) -> bool:
        """In the query."""
        value = self.query.get(name)
        return default if value is None else value.lower() not in _FALSE


def _no(said: Said) -> bool:
    return False


def _yes(said: Said) -> bool:
    return True


def _none(said: Said) -> frozenset[str]:
    return NOTHING


@dataclass(frozen=True, slots=True)
class Control:
    """What one path does to an engine."""

    loses_kv: Callable[[Said], bool] = _no
    """Whether the prefix cache is empty afterwards."""
    stops: Callable[[Said], frozenset[str]] = _none
    """Why it takes no turns from then on; nothing: it does."""
    goes_on: Callable[[Said], frozenset[str]] = _none
    """Which of these causes are over."""
    for_one: bool = False
    """Whether what it says is meant for one engine: where there are several, it has to be named."""


def _memory(said: Said) -> frozenset[str]:
    tags = said.body.get("tags")
    return MEMORY & {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) and tags else MEMORY


def _asleep(said: Said) -> frozenset[str]:
    """Level 0 stops only the scheduling."""
    return PAUSED if said.query.get("level") == "0" else ASLEEP


def _awake(said: Said) -> frozenset[str]:
    """Weights and KV cache may wake one after the other; the last of them starts the scheduling."""
    return NOTHING if said.answer.get("status") == "sleeping" else PAUSED | ASLEEP


_UPDATE = Control(loses_kv=lambda said: said.body.get("flush_cache") is not False)
"""SGLang flushes unless it is told not to, and fails if it cannot."""
_NEUTRAL = Control()
_FOR_ONE = Control(for_one=True)

CONTROLS: dict[str, Control] = {
    # vLLM. What it keeps frozen is preempted and computed anew where the cache is cleared, in every mode.
    "/pause": Control(loses_kv=lambda said: said.flag("clear_cache", True), stops=lambda _: PAUSED),
    "/resume": Control(goes_on=lambda _: PAUSED),
    "/sleep": Control(loses_kv=lambda said: said.query.get("level") != "0", stops=_asleep),
    "/wake_up": Control(goes_on=_awake),
    "/release_kv_cache_memory": Control(loses_kv=_yes, stops=lambda _: ASLEEP),
    "/reset_prefix_cache": Control(loses_kv=lambda said: said.answer.get("success") is not False),
    "/abort_requests": _NEUTRAL,
    "/inference/v1/abort_requests": _NEUTRAL,
    "/start_weight_update": _NEUTRAL,
    "/update_weights": _NEUTRAL,  # the cache is kept: trainers clear it with the pause, or salt it
    "/finish_weight_update": _NEUTRAL,
    "/init_weight_transfer_engine": _FOR_ONE,
    "/collective_rpc": _FOR_ONE,
    # SGLang. Pausing keeps the cache in every mode; retracted requests alone are computed anew.
    "/flush_cache": Control(loses_kv=_yes),
    "/pause_generation": Control(stops=lambda _: PAUSED),
    "/continue_generation": Control(goes_on=lambda _: PAUSED),
    "/release_memory_occupation": Control(loses_kv=lambda said: "kv_cache" in _memory(said), stops=_memory),
    "/resume_memory_occupation": Control(goes_on=_memory),
    "/update_weights_from_disk": _UPDATE,
    "/update_weights_from_distributed": _UPDATE,
    "/update_weights_from_ipc": Control(_UPDATE.loses_kv, for_one=True),
    "/update_weights_from_tensor": Control(_UPDATE.loses_kv, for_one=True),
    "/init_weights_update_group": _FOR_ONE,
    "/destroy_weights_update_group": _NEUTRAL,
    "/abort_request": _NEUTRAL,
    # Both
    "/update_weight_version": _NEUTRAL,
}
"""By path, whatever the method: an engine refuses a wrong one."""
