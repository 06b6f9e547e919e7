"""``GET /programs``: every program, where it stands, and why it is parked if it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.manage import paging
from thunderagent.adapters.gateway.manage.answers import as_json
from thunderagent.adapters.gateway.manage.endpoint import Endpoint, Parameter
from thunderagent.adapters.gateway.manage.managed import Managed
from thunderagent.adapters.gateway.manage.paging import Page
from thunderagent.adapters.gateway.manage.profiles import ProfileView
from thunderagent.adapters.gateway.manage.reading import choice
from thunderagent.core import Explanation, Program, Status
from thunderagent.runtime import Runtime
from thunderagent.runtime.tools import SandboxView

STATES = ("active", "paused", "parked")
STATUSES = ("reasoning", "acting")
_ACTIVE = (Status.REASONING, Status.ACTING)
"""Its KV cache is counted."""


class Parked(msgspec.Struct, kw_only=True):
    """Why a turn of a program is held back."""

    reason: str
    waits_for: Annotated[str, Meta(description="In words.")]
    ahead: Annotated[int, Meta(description="Programs that go first.")]
    waited_s: float
    waiting_since: Annotated[float, Meta(description="Unix time.")]
    forced_in_s: Annotated[float | None, Meta(description="Seconds until it goes on in any case; null: never.")]


class ProgramView(msgspec.Struct, kw_only=True):
    """One program. The first six fields are those of the public API."""

    backend: Annotated[str | None, Meta(description="Where its KV cache is counted.")]
    context_len: Annotated[int, Meta(description="Characters of its last prompt, as far as they are known.")]
    total_tokens: Annotated[int, Meta(description="Tokens of its context.")]
    step_count: Annotated[int, Meta(description="Steps that have ended.")]
    status: Annotated[Literal["reasoning", "acting"], Meta(description="Reasoning: a turn of it runs or waits.")]
    state: Annotated[Literal["active", "paused"], Meta(description="Paused: its KV cache is given up.")]
    program_id: str
    group: str
    phase: str
    tool: Annotated[str, Meta(description="The one that it runs, if that is known.")]
    last_backend: Annotated[str | None, Meta(description="Where its KV cache was last.")]
    running_turns: int
    waiting_turns: Annotated[int, Meta(description="Held back by a lack of room or by a weight sync.")]
    parked: Annotated[Parked | None, Meta(description="Why it waits; null: no turn of it does.")]
    profile: ProfileView | None
    tools: Annotated[list[SandboxView], Meta(description="Sandboxes that it has or will have.")]


async def list_programs(gateway: Managed, request: Request) -> Response:
    """By program id. O(n) in all programs, but only those of the page are put in words."""
    page = Page.of(request)
    state, status = choice(request, "state", STATES), choice(request, "status", STATUSES)
    scheduler = gateway.runtime.scheduler
    parked = set() if gateway.runtime.degraded else set(scheduler.parked_ids())  # a failed policy explains nothing
    wanted = _matching(scheduler.programs, parked, state, status)
    ids, more = page.cut(wanted)
    explanations = _explanations(gateway.runtime, parked.intersection(ids))
    views = {program_id: _view(gateway, program_id, explanations.get(program_id)) for program_id in ids}
    return as_json(views, headers=page.headers(request, ids, len(wanted), more=more))


def _matching(programs: dict[str, Program], parked: set[str], state: str | None, status: str | None) -> list[str]:
    """Ids of the programs in this state and status; None: in any."""
    known_by_held_turns = [program_id for program_id in parked if program_id not in programs]
    if state is None and status is None:
        return [*programs, *known_by_held_turns]
    candidates = parked if state == "parked" else programs
    fits = _IN_STATE[state]
    matching = [i for i in candidates if i in programs and fits(programs[i]) and status in (None, _status(programs[i]))]
    held_fit = state in (None, "paused", "parked") and status in (None, "reasoning")
    return matching + known_by_held_turns if held_fit else matching


_IN_STATE: dict[str | None, Callable[[Program], bool]] = {
    None: lambda program: True,
    "parked": lambda program: True,
    "active": lambda program: program.status in _ACTIVE,
    "paused": lambda program: program.status not in _ACTIVE,
}


def _status(program: Program) -> Literal["reasoning", "acting"]:
    return "reasoning" if program.running or program.waiting or program.held_turns else "acting"


def _explanations(runtime: Runtime, ids: set[str]) -> dict[str, Explanation]:
    return {explanation.program_id: explanation for explanation in runtime.scheduler.explain_all(ids)} if ids else {}


def _parked(explanation: Explanation | None, since_event_s: float) -> Parked | None:
    if explanation is None:
        return None
    waited_s, forced_in_s = explanation.waited_s + since_event_s, explanation.forced_in_s
    return Parked(
        reason=explanation.reason.value,
        waits_for=explanation.waits_for,
        ahead=explanation.ahead,
        waited_s=waited_s,
        waiting_since=time.time() - waited_s,
        forced_in_s=None if forced_in_s is None else max(0.0, forced_in_s - since_event_s),
    )


def _view(gateway: Managed, program_id: str, explanation: Explanation | None) -> ProgramView:
    program = gateway.runtime.scheduler.programs.get(program_id)
    if program is None:  # all that there is of it is a turn held back by a weight sync
        program = Program(program_id, birth=0, held_turns=1)
    profile = gateway.profiles.get(program_id) if gateway.profiles is not None else None
    return ProgramView(
        backend=program.backend.id if program.backend is not None else None,
        context_len=program.prompt_characters,
        total_tokens=program.context_tokens,
        step_count=gateway.runtime.steps(program_id),
        status=_status(program),
        state="active" if program.status in _ACTIVE else "paused",
        program_id=program_id,
        group=program.group.name if program.group is not None else "",
        phase=program.phase,
        tool=program.tool,
        last_backend=program.origin_id,
        running_turns=len(program.running),
        waiting_turns=len(program.waiting) + program.held_turns,
        parked=_parked(explanation, gateway.runtime.since_event_s),
        profile=None if profile is None else ProfileView.of(profile),
        tools=[] if gateway.tools is None else gateway.tools.of_program(program_id),
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/programs",
        Need.READ,
        list_programs,
        "Programs by id, and why each parked one is parked",
        {200: dict[str, ProgramView]},
        (
            *paging.PARAMETERS,
            Parameter("state", "Only these; parked are also paused.", {"type": "string", "enum": list(STATES)}),
            Parameter("status", "Only these.", {"type": "string", "enum": list(STATUSES)}),
        ),
    ),
)
