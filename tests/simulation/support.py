"""Small engines and programs whose times can be reckoned by hand."""

from __future__ import annotations

from collections.abc import Callable

from thunderagent.core import CapPolicy, DefaultPolicy, Policy, ThunderPolicy, TrPolicy
from thunderagent.simulation import EngineSpec
from thunderagent.simulation.driver import Driver
from thunderagent.simulation.script import Script, ScriptedTurn

SPEC = EngineSpec(kv_capacity_tokens=32_000, prefill_tokens_per_s=9_000.0, decode_step_s=0.02, decode_s_per_kv_token=65e-9)
POLICIES: dict[str, Callable[[], Policy]] = {
    "default": DefaultPolicy,
    "cap": lambda: CapPolicy(programs_per_backend=4),
    "tr": TrPolicy.published,
    "tr-events": TrPolicy,
    "thunder": ThunderPolicy,
    "thunder-groups": lambda: ThunderPolicy(group_aware=True),
    "thunder-hints": lambda: ThunderPolicy(hints=True),
}
TWO_TURNS = (ScriptedTurn(900, 101, "bash", 3.0), ScriptedTurn(60, 51, "", 0.0))


def script(name: str, *turns: ScriptedTurn) -> Script:
    """A program that shares nothing; without turns, one of two turns and a tool call of 3 s between them."""
    return Script(name, turns or TWO_TURNS)


def lasting(name: str, *, context_tokens: int = 100, answer_tokens: int = 5_000) -> Script:
    """One answer that takes 0.02 s per token."""
    return script(name, ScriptedTurn(context_tokens, answer_tokens, "", 0.0))


def begin(driver: Driver, *scripts: Script) -> Driver:
    """All of them now."""
    for one in scripts:
        driver.begin(one)
    return driver


def ended(driver: Driver) -> list[str]:
    """Programs that are over, in order of birth."""
    return [program.script.program_id for program in driver.programs if program.ended_s is not None]
