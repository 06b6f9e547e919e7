"""``GET /profiles`` and ``GET /profiles/{program_id}``: where the time of programs went."""

from __future__ import annotations

from typing import Annotated, Self

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
from thunderagent.adapters.gateway.manage.profile_store import ProfileStore, ProgramProfile
from thunderagent.errors import RequestProblem
from thunderagent.runtime import StepProfile


class ProfileView(msgspec.Struct, kw_only=True):
    """Means over all steps of a program, in seconds, by the names of the public API. Null: no step of it tells."""

    step_count: int
    avg_prefill_s: float | None
    avg_decode_s: float | None
    avg_pause_s: float | None
    avg_tool_call_s: float | None
    avg_kv_hit_rate: Annotated[float | None, Meta(description="Cached prompt tokens / prompt tokens.")]

    @classmethod
    def of(cls, profile: ProgramProfile) -> Self:
        """As far as steps tell."""
        return cls(
            step_count=profile.steps,
            avg_prefill_s=profile.prefill.mean,
            avg_decode_s=profile.decode.mean,
            avg_pause_s=profile.pause.mean,
            avg_tool_call_s=profile.tool_call.mean,
            avg_kv_hit_rate=profile.kv_hit_rate.mean,
        )


class DetailedProfile(ProfileView, kw_only=True):
    """The same, and the last steps, oldest first."""

    program_id: str
    steps: list[StepProfile]


async def list_profiles(gateway: Managed, request: Request) -> Response:
    """Programs that have had a step."""
    store, page = _store(gateway), Page.of(request)
    ids, more = page.cut(store)
    profiles = ((program_id, store.get(program_id)) for program_id in ids)
    views = {program_id: ProfileView.of(profile) for program_id, profile in profiles if profile is not None}
    return as_json(views, headers=page.headers(request, ids, len(store), more=more))


async def get_profile(gateway: Managed, request: Request) -> Response:
    """One program."""
    program_id: str = request.path_params["program_id"]
    profile = _store(gateway).get(program_id)
    if profile is None:
        raise RequestProblem(404, "unknown_program", "no step of this program is remembered", param="program_id")
    means = msgspec.structs.asdict(ProfileView.of(profile))
    return as_json(DetailedProfile(**means, program_id=program_id, steps=profile.last))


def _store(gateway: Managed) -> ProfileStore:
    if gateway.profiles is None:
        raise RequestProblem(400, "profiling_off", "profiles are not kept: start the gateway with keep_profiles above 0")
    return gateway.profiles


_OFF = {400: "Profiling is off."}

ENDPOINTS = (
    Endpoint(
        "GET",
        "/profiles",
        Need.READ,
        list_profiles,
        "Mean times of the programs that had a step lately",
        {200: dict[str, ProfileView]},
        paging.PARAMETERS,
        problems=_OFF,
    ),
    Endpoint(
        "GET",
        "/profiles/{program_id:path}",
        Need.READ,
        get_profile,
        "Mean times and last steps of one program",
        {200: DetailedProfile},
        (Parameter("program_id", "Slashes in it need no escape.", {"type": "string", "minLength": 1}, required=True),),
        problems={**_OFF, 404: "No step of this program is remembered."},
    ),
)
