"""What the serving examples share: their command line, and a gateway that is there while they run."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import httpx

from examples.outcome import Outcome, left_behind, show
from recipes.common.config import EngineConfig
from recipes.common.engine import end_engine, start_engine
from recipes.common.entry import fail
from recipes.common.tokenizer import save_byte_tokenizer
from thunderagent.adapters.engines.urls import engine_url, engine_urls
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.tools.bubblewrap.availability import why_not
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.errors import ConfigError
from thunderagent.tools_config import ToolsConfig

MODEL = "simulated"
KEY_ENV = "THUNDERAGENT_API_KEY"
ENGINE = EngineConfig(kv_capacity_tokens=60_000)
"""The agents of an example ask for more than this together, so that some have to wait. A token is a byte here."""
DRAIN_S = 5.0
"""All agents have ended before the gateway is stopped."""
TIMEOUT_S = 10.0
"""For answers that are made from memory."""


@dataclass(frozen=True)
class Served:
    """A gateway, and what it serves."""

    url: str
    """Without ``/v1``."""
    model: str
    api_key: str = "none"


Agents = Callable[[Served, argparse.Namespace], Awaitable[Sequence[Outcome]]]


class Parser(argparse.ArgumentParser):
    """A mistake is one line."""

    def error(self, message: str) -> NoReturn:
        fail(message)


def parser(name: str, about: str, *, agents: int, tools: bool = False) -> Parser:
    """The command line that all have, with so many agents by default; ``tools``: they want sandboxes."""
    made = Parser(prog=f"python -m examples.{name}", description=about, allow_abbrev=False)
    add_engines(made)
    made.add_argument("--agents", type=_at_least_1, default=agents, metavar="N", help="agents at once [%(default)s]")
    if tools:
        made.add_argument("--image", default="", help="of the sandboxes, for a gateway whose sandboxes are containers")
    made.add_argument("--profile-dir", metavar="DIR", help="gets profile.jsonl: every step, for thunderagent report and replay")
    return made


def add_engines(to: argparse.ArgumentParser, prefix: str = "") -> None:
    """The options that say who answers; ``prefix``: of their names."""
    where = to.add_mutually_exclusive_group()
    where.add_argument(
        f"--{prefix}backends", metavar="URL,URL", help="engines that are served already [an embedded, simulated one]"
    )
    where.add_argument(
        f"--{prefix}gateway", metavar="URL", help="a gateway that runs already [one is started before the engines]"
    )
    to.add_argument(f"--{prefix}model", metavar="NAME", help="[the first that is served]")


def main(options: argparse.Namespace, agents: Agents, *, answers: str, tools: bool = False) -> NoReturn:
    """Run an example and end the process: status 0 if all agents ended well and nothing is left behind.

    Args:
        options: of ``parser``.
        agents: runs them all.
        answers: what stands in for a model in the embedded engine, as MODULE:FACTORY.
        tools: whether the agents want sandboxes of the gateway.
    """

    def example() -> bool:
        with served(options, answers=answers, tools=tools) as where:
            return told(where, asyncio.run(_all(agents(where, options))))

    end_with(example)


def told(where: Served, outcomes: Sequence[Outcome]) -> bool:
    """Print what agents came to; returns whether all ended well and nothing is left behind."""
    left = left_behind(where.url, where.api_key, [outcome.program_id for outcome in outcomes])
    show(where.url, where.api_key, outcomes, left)
    return all(outcome.well for outcome in outcomes) and not any(left.values())


def end_with(example: Callable[[], bool]) -> NoReturn:
    """Run it; the status tells whether it went well. Mistakes of the user are one line."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a plain `kill` cleans up as Ctrl-C does
    try:
        sys.exit(0 if example() else 1)
    except ConfigError as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def served(options: argparse.Namespace, *, answers: str, tools: bool = False, prefix: str = "") -> Iterator[Served]:
    """The gateway that the command line asks for; what was started for it ends with the block.

    ``prefix``: of the names of the options, for an example that needs two.

    Raises:
        ConfigError: it cannot be had.
    """
    gateway, backends, model = (vars(options)[prefix.replace("-", "_") + name] for name in ("gateway", "backends", "model"))
    api_key = os.environ.get(KEY_ENV, "").split()[:1] or ["none"]
    with ExitStack() as ends:
        profile_dir = None if prefix else options.profile_dir
        if gateway is not None:
            if profile_dir is not None:
                raise ConfigError(
                    "--profile-dir", profile_dir, "is for the gateway that runs already to be told, when it is started"
                )
            url = engine_url(f"--{prefix}gateway", gateway)
        else:
            folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="thunderagent-example-")))
            urls = (
                engine_urls(f"--{prefix}backends", backends.split(","))[0]
                if backends
                else [embedded_engine(ends, folder, answers)]
            )
            config = ThunderConfig(profile_dir=profile_dir)
            sandboxes = _sandboxes(folder) if tools else None
            started = EmbeddedGateway(config, GatewaySettings(port=0, drain_s=DRAIN_S), urls, tools=sandboxes)
            ends.callback(started.stop)
            url = started.start()
        yield Served(url, model or _first_model(url, api_key[0]), api_key[0])


def embedded_engine(ends: ExitStack, folder: Path, answers: str) -> str:
    """The URL of one that ends with ``ends``; its files are in ``folder``."""
    process, url = start_engine(
        ENGINE,
        tokenizer=save_byte_tokenizer(folder),
        model_name=MODEL,
        answers=answers,
        port_file=folder / "engine.url",
        log=folder / "engine.log",
    )
    ends.callback(end_engine, process)
    return url


def _sandboxes(folder: Path) -> ToolsConfig:
    """Bubblewrap where it works, else plain processes in folders."""
    if problem := why_not():
        print(f"warning: bubblewrap {problem}; commands run as local processes", file=sys.stderr)
        return ToolsConfig(backend="callable", factory="examples.local_sandboxes:LocalSandboxes")
    return ToolsConfig(backend="bubblewrap", folder=str(folder / "sandboxes"))


def _first_model(url: str, api_key: str) -> str:
    try:
        answer = httpx.get(f"{url}/v1/models", headers={"authorization": f"Bearer {api_key}"}, timeout=TIMEOUT_S)
        models = answer.raise_for_status().json()["data"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise ConfigError("--model", "", f"{url} does not tell its models ({error}); name one") from None
    if not models:
        raise ConfigError("--model", "", f"{url} serves none; name one")
    return str(models[0]["id"])


async def _all(running: Awaitable[Sequence[Outcome]]) -> Sequence[Outcome]:
    return await running


def _at_least_1(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} must be a whole number, at least 1")
    return int(text)
