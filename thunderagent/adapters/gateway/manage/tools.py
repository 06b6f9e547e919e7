"""``/programs/{program_id}/tools``: sandboxes of a program, asked for, used and given back; and ports."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from thunderagent.adapters.gateway.access import Need
from thunderagent.adapters.gateway.docker_ids import MAX_CHARACTERS, MAX_IDS, attach, valid_docker_ids
from thunderagent.adapters.gateway.manage.answers import as_json
from thunderagent.adapters.gateway.manage.endpoint import Endpoint, Parameter
from thunderagent.adapters.gateway.manage.managed import Managed
from thunderagent.adapters.gateway.manage.patience import while_client_waits
from thunderagent.adapters.gateway.manage.reading import body_of
from thunderagent.adapters.gateway.manage.release import PROGRAM_ID_SCHEMA
from thunderagent.adapters.gateway.program_ids import valid_program_id
from thunderagent.adapters.gateway.sandbox_problems import no_tools, problem_of
from thunderagent.adapters.gateway.setbacks import draining
from thunderagent.errors import RequestProblem, SandboxError
from thunderagent.runtime.tools import Command, SandboxRequest, SandboxView, ToolHost

Text = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
"""No command, path or variable can have a NUL."""
Bytes = Annotated[float, Meta(ge=0, le=2**50, multiple_of=1)]
"""Whole, but JSON has no whole numbers: clients may write 1e9. A petabyte is exact as a float."""
Variables = dict[Annotated[str, Meta(pattern=r"^[^\x00=]+$")], Text]


class WantedSandbox(msgspec.Struct, kw_only=True):
    """What kind of sandbox. What is left out is as in the gateway's default (``--tools-image``, ``--tools-setup``)."""

    image: Annotated[Text, Meta(description="Name of a container image; with bubblewrap a folder.")] | UnsetType = UNSET
    setup: Annotated[Text, Meta(description="A shell command that ends its preparation.")] | UnsetType = UNSET
    workdir: Annotated[Text, Meta(description="Where commands run.")] | UnsetType = UNSET
    environment: Variables | UnsetType = UNSET
    memory_bytes: Annotated[Bytes, Meta(description="The most that it may take.")] | UnsetType = UNSET
    disk_bytes: Annotated[Bytes, Meta(description="Expected, beyond its image.")] | UnsetType = UNSET
    network: Annotated[bool, Meta(description="Whether it may reach others.")] | UnsetType = UNSET
    reusable: Annotated[bool, Meta(description="Whether others may have it afterwards, as it is then.")] | UnsetType = UNSET
    wait: Annotated[bool, Meta(description="false: it is only prepared, for a later request that waits.")] = True

    def request(self, tools: ToolHost) -> SandboxRequest | None:
        """For the host; None: its default."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if name != "wait" and value is not UNSET}
        said |= {name: int(value) for name, value in said.items() if name.endswith("_bytes")}
        return tools.request_of(said)


class Sandbox(msgspec.Struct, kw_only=True):
    """One that the program has."""

    sandbox_id: Annotated[str, Meta(description="With containers: the name of the container.")]
    backend: Annotated[str, Meta(description="docker, bubblewrap or callable.")]
    reused: Annotated[bool, Meta(description="Whether it was there already.")]
    waited_s: Annotated[float, Meta(description="From when it was asked for until it was ready.")]


class ProgramTools(msgspec.Struct):
    """All sandboxes that a program has or will have."""

    program_id: str
    sandboxes: list[SandboxView]


class WantedContainers(msgspec.Struct):
    """Running containers."""

    docker_ids: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS, pattern=r"^[!-~]+$")]],
        Meta(max_length=MAX_IDS, description="Their ids, at least 12 digits of each."),
    ]


class Attached(msgspec.Struct):
    """They are the program's, and are removed with it."""

    sandbox_ids: Annotated[list[str], Meta(description="In the order in which they were named.")]


class WantedCommand(msgspec.Struct, kw_only=True):
    """What is to be run."""

    command: Annotated[Text, Meta(description="For a shell of the sandbox.")]
    workdir: Annotated[Text, Meta(description="Empty: the sandbox's own.")] = ""
    environment: Variables = {}
    timeout_s: Annotated[float, Meta(gt=0, le=86_400, description="Then it is killed.")] | None = None


class CommandOutput(msgspec.Struct):
    """What came of a command."""

    output: Annotated[str, Meta(description="Standard output and errors, as they came.")]
    exit_code: Annotated[int | None, Meta(description="null: it was killed when its time was over.")]
    truncated: Annotated[bool, Meta(description="Whether the middle was left out.")]


class GivenBack(msgspec.Struct):
    """The program has it no more."""

    sandbox_id: str


class Port(msgspec.Struct):
    """Until the program is over."""

    port: int


async def ask_for_sandbox(gateway: Managed, request: Request) -> Response:
    """Answers when it is ready. A client that leaves meanwhile gives it up. With ``wait: false``, it is prepared ahead."""
    tools, program_id = _of(gateway, request)
    if gateway.draining:  # those that are there can be used and given back
        raise draining()
    wanted = await body_of(request, WantedSandbox)
    sandbox_request = wanted.request(tools)
    try:
        if not wanted.wait:
            tools.prepare(program_id, sandbox_request)
            return as_json(ProgramTools(program_id, tools.of_program(program_id)), 202)
        held = await while_client_waits(
            request,
            tools.acquire(program_id, sandbox_request),
            too_late=lambda held: tools.give_back(program_id, held.id),
        )
    except SandboxError as error:
        raise problem_of(error) from None
    return as_json(Sandbox(sandbox_id=held.id, backend=tools.backend.name, reused=held.reused, waited_s=held.waited_s))


async def list_sandboxes(gateway: Managed, request: Request) -> Response:
    """In the order in which they were asked for."""
    tools, program_id = _of(gateway, request)
    return as_json(ProgramTools(program_id, tools.of_program(program_id)))


async def attach_containers(gateway: Managed, request: Request) -> Response:
    """The same as ``docker_ids`` with a turn. They are removed when the program is over."""
    tools, program_id = _of(gateway, request)
    wanted = await body_of(request, WantedContainers)
    return as_json(Attached(await attach(tools, program_id, valid_docker_ids(wanted.docker_ids))))


async def execute(gateway: Managed, request: Request) -> Response:
    """Answers when the command has ended. A client that leaves meanwhile gives it up."""
    tools, program_id = _of(gateway, request)
    wanted = await body_of(request, WantedCommand)
    command = Command(wanted.command, wanted.workdir, wanted.environment, wanted.timeout_s)
    try:
        output = await while_client_waits(request, tools.execute(program_id, request.path_params["sandbox_id"], command))
    except SandboxError as error:
        raise problem_of(error) from None
    return as_json(CommandOutput(output.text, output.exit_code, output.truncated))


async def give_back(gateway: Managed, request: Request) -> Response:
    """Before the program is over, which would give it back as well."""
    tools, program_id = _of(gateway, request)
    sandbox_id = request.path_params["sandbox_id"]
    try:
        tools.give_back(program_id, sandbox_id)
    except SandboxError as error:
        raise problem_of(error) from None
    await tools.kept(program_id)  # no crash brings back what is said to be given back
    return as_json(GivenBack(sandbox_id))


async def lease_port(gateway: Managed, request: Request) -> Response:
    """One of ``--tools-ports`` that no other program has."""
    tools, program_id = _of(gateway, request)
    try:
        return as_json(Port(await tools.lease_port(program_id)))
    except SandboxError as error:
        raise problem_of(error) from None


def _of(gateway: Managed, request: Request) -> tuple[ToolHost, str]:
    if gateway.tools is None:
        raise no_tools()
    _not_of_another_page(request)
    return gateway.tools, valid_program_id(request.path_params["program_id"])


def _not_of_another_page(request: Request) -> None:
    """Browsers let any page send requests to a gateway on this machine, which may have no keys."""
    origin, host = request.headers.get("origin"), request.headers.get("host")
    if origin is not None and origin.partition("://")[2] != host:
        raise RequestProblem(403, "foreign_origin", "pages of other sites may not use sandboxes")


class _AnyText(PathConvertor):
    """Starlette's, which matches no line breaks: ids that have them are to be refused with the reason."""

    regex = "(?s:.*)"


register_url_convertor("text", _AnyText())
TOOLS, PORTS = "/programs/{program_id:text}/tools", "/programs/{program_id:text}/ports"
"""Ids of programs may have slashes, written as they are or as %2F; ids of sandboxes have none."""
_PROGRAM_ID = Parameter("program_id", "Of the program; it need not be known yet.", {"type": "string", **PROGRAM_ID_SCHEMA}, True)
_SANDBOX_ID = Parameter("sandbox_id", "Of the sandbox.", {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}, True)
_OF_PROGRAM, _OF_SANDBOX = (_PROGRAM_ID,), (_PROGRAM_ID, _SANDBOX_ID)
_UNKNOWN = {404: "The program has no such sandbox (any more)."}
_BROKEN = {
    502: "What makes sandboxes is broken.",
    503: "What makes sandboxes failed, or the gateway is about to stop; another try may help.",
}
_NEVER = {422: "There can be none: no such image, more than the budget, or no image was named."}

ENDPOINTS = (
    Endpoint("GET", TOOLS, Need.USE, list_sandboxes, "Sandboxes of a program", {200: ProgramTools}, _OF_PROGRAM),
    Endpoint(
        *("POST", TOOLS, Need.USE, ask_for_sandbox, "Ask for a sandbox", {200: Sandbox, 202: ProgramTools}, _OF_PROGRAM),
        body=WantedSandbox,
        problems=_NEVER | _BROKEN,
    ),
    Endpoint(
        *("POST", f"{TOOLS}/attach", Need.USE, attach_containers, "Attach containers", {200: Attached}, _OF_PROGRAM),
        body=WantedContainers,
        problems=_BROKEN,
    ),
    Endpoint(
        *("POST", f"{TOOLS}/{{sandbox_id}}/exec", Need.USE, execute, "Run a command", {200: CommandOutput}, _OF_SANDBOX),
        body=WantedCommand,
        problems=_UNKNOWN | _BROKEN,
    ),
    Endpoint(
        *("DELETE", f"{TOOLS}/{{sandbox_id}}", Need.USE, give_back, "Give a sandbox back", {200: GivenBack}, _OF_SANDBOX),
        problems=_UNKNOWN,
    ),
    Endpoint(
        *("POST", PORTS, Need.USE, lease_port, "Lease a port", {200: Port}, _OF_PROGRAM), problems={503: "All ports are taken."}
    ),
)
