"""What requests that act on engines mean; the answers are those of vLLM 0.32 and SGLang 0.5.23."""

from __future__ import annotations

from typing import Any

import pytest

from thunderagent.adapters.gateway.controls import ASLEEP, CONTROLS, MEMORY, NOTHING, PAUSED, Said
from thunderagent.adapters.gateway.dialects import DIALECTS
from thunderagent.adapters.gateway.manage.app import serves


def said(query: dict[str, str] | None = None, body: dict[str, Any] | None = None, answer: dict[str, Any] | None = None) -> Said:
    return Said(query or {}, body or {}, answer or {})


@pytest.mark.parametrize(
    ("path", "given", "lost"),
    [
        ("/pause", said(), True),
        ("/pause", said({"mode": "keep"}), True),
        ("/pause", said({"mode": "keep", "clear_cache": "false"}), False),
        ("/pause", said({"clear_cache": "False"}), False),
        ("/pause", said({"clear_cache": "0"}), False),
        ("/pause", said({"clear_cache": "true"}), True),
        ("/resume", said(), False),
        ("/sleep", said(), True),
        ("/sleep", said({"level": "2"}), True),
        ("/sleep", said({"level": "0"}), False),
        ("/wake_up", said(), False),
        ("/release_kv_cache_memory", said(), True),
        ("/reset_prefix_cache", said(answer={"success": True}), True),
        ("/reset_prefix_cache", said(), True),
        ("/reset_prefix_cache", said(answer={"success": False}), False),
        ("/abort_requests", said(), False),
        ("/update_weights", said(), False),
        ("/flush_cache", said(), True),
        ("/pause_generation", said(body={"mode": "retract"}), False),
        ("/release_memory_occupation", said(), True),
        ("/release_memory_occupation", said(body={"tags": []}), True),
        ("/release_memory_occupation", said(body={"tags": ["weights"]}), False),
        ("/release_memory_occupation", said(body={"tags": ["kv_cache", 1]}), True),
        ("/release_memory_occupation", said(body={"tags": "kv_cache"}), True),
        ("/resume_memory_occupation", said(), False),
        ("/update_weights_from_disk", said(), True),
        ("/update_weights_from_tensor", said(body={"flush_cache": False}), False),
        ("/update_weights_from_distributed", said(body={"flush_cache": True}), True),
    ],
)
def test_what_becomes_of_the_kv_cache(path: str, given: Said, lost: bool) -> None:
    assert CONTROLS[path].loses_kv(given) is lost


@pytest.mark.parametrize(
    ("path", "given", "stops", "goes_on"),
    [
        ("/pause", said(), PAUSED, NOTHING),
        ("/resume", said(), NOTHING, PAUSED),
        ("/sleep", said(), ASLEEP, NOTHING),
        ("/sleep", said({"level": "0"}), PAUSED, NOTHING),
        ("/wake_up", said(answer={"status": "awake"}), NOTHING, PAUSED | ASLEEP),
        ("/wake_up", said(), NOTHING, PAUSED | ASLEEP),
        ("/wake_up", said({"tags": "weights"}, answer={"status": "sleeping"}), NOTHING, NOTHING),
        ("/reset_prefix_cache", said(), NOTHING, NOTHING),
        ("/pause_generation", said(), PAUSED, NOTHING),
        ("/continue_generation", said(), NOTHING, PAUSED),
        ("/release_memory_occupation", said(), MEMORY, NOTHING),
        ("/release_memory_occupation", said(body={"tags": ["kv_cache"]}), {"kv_cache"}, NOTHING),
        ("/resume_memory_occupation", said(body={"tags": ["weights"]}), NOTHING, {"weights"}),
    ],
)
def test_whether_it_takes_turns(path: str, given: Said, stops: frozenset[str], goes_on: frozenset[str]) -> None:
    assert CONTROLS[path].stops(given) == stops
    assert CONTROLS[path].goes_on(given) == goes_on


def test_none_of_them_is_a_turn_or_management() -> None:
    assert not CONTROLS.keys() & DIALECTS.keys()
    assert not [path for path in CONTROLS if serves(path)]
