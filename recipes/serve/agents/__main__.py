"""``python -m recipes.serve.agents --embedded``: what a user's agents would see of a gateway."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

from recipes.common.entry import fail
from thunderagent.adapters.engines.urls import engine_urls
from thunderagent.errors import ConfigError

NEEDED = ("openai", "rich")
EMBEDDED = ("uvicorn", "uvloop", "httptools", "starlette", "aiohttp", "msgspec", "orjson", "prometheus_client", "tokenizers")
GATEWAY = "http://127.0.0.1:8300"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """A mistake is one line."""
        fail(message)


def main() -> None:
    """Run the agents at each address, one after the other, and compare."""
    _require(NEEDED)
    options = _parser().parse_args()
    from recipes.serve.agents.agent import Plan
    from recipes.serve.agents.show import run_and_show

    plan = Plan(options.turns, options.prompt, options.observation, options.answer, options.think)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a plain `kill` ends the embedded engine, too
    try:
        with _addresses(options) as urls:
            running = run_and_show(urls, options.agents, plan, api_key=_api_key(), model=options.model, seed=options.seed)
            failed = asyncio.run(running)
    except ConfigError as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1 if failed else 0)


def _require(modules: Sequence[str]) -> None:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        fail(f"{', '.join(missing)} not installed: run scripts/setup, or pip install {' '.join(missing)}")


def _addresses(options: argparse.Namespace) -> AbstractContextManager[Sequence[str]]:
    if not options.embedded:
        return nullcontext(engine_urls("--url", options.url or [GATEWAY])[0])
    if options.url:
        raise ConfigError("--embedded", ",".join(options.url), "brings its own engine and gateway; leave out --url")
    _require(EMBEDDED)
    from recipes.serve.agents.embedded import embedded

    return embedded()


def _api_key() -> str:
    names = ("THUNDERAGENT_API_KEY", "OPENAI_API_KEY")
    return next((os.environ[name].split()[0] for name in names if os.environ.get(name, "").strip()), "none")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m recipes.serve.agents",
        description="Chat agents that use tools (pauses), through OpenAI's client: throughput, cache hits and waits. "
        "A key is taken from THUNDERAGENT_API_KEY or OPENAI_API_KEY.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--url", action="append", help=f"a gateway, or an engine alone; may be given several times, to compare [{GATEWAY}]")
    embedded = (
        "start an embedded engine, without a GPU, and a gateway before it; run before the engine alone, then before the gateway"
    )
    add("--embedded", action="store_true", help=embedded)
    add("--agents", type=_at_least(1), default=16, metavar="N", help="agents at once [%(default)s]")
    add("--turns", type=_at_least(1), default=8, metavar="N", help="turns of each [%(default)s]")
    add("--think", type=_seconds, default=0.1, metavar="S", help="mean pause between turns, in seconds [%(default)s]")
    add("--prompt", type=_at_least(1), default=4_000, metavar="N", help="characters of the first prompt [%(default)s]")
    add("--observation", type=_at_least(1), default=1_400, metavar="N", help="mean characters that a tool gives [%(default)s]")
    add("--answer", type=_at_least(1), default=200, metavar="N", help="longest answer, in tokens [%(default)s]")
    add("--model", help="the model [the first that is served]")
    add("--seed", type=int, default=0, help="of sizes and pauses [%(default)s]")
    return parser


def _at_least(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} must be a whole number, at least {least}")
        return int(text)

    return parse


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 3_600:
        raise argparse.ArgumentTypeError(f"{text} must be a number of seconds, at least 0")
    return value


if __name__ == "__main__":
    main()
