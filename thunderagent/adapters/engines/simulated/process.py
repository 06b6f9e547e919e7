"""The server as a process: command line, port file, signals and the watch over the parent."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from thunderagent.adapters.engines.simulated.answers import load_answers
from thunderagent.adapters.engines.simulated.app import DIALECTS, build_app
from thunderagent.adapters.engines.simulated.tokenizer import ChatMLTokenizer
from thunderagent.adapters.whole_file import write_whole
from thunderagent.simulation import EngineSpec, SimulatedEngine

logger = logging.getLogger(__name__)

PARENT_POLL_S = 1.0
# Long enough to send answers that are ready; requests frozen by a pause must not keep the process alive.
SHUTDOWN_TIMEOUT_S = 1.0

PRESET = EngineSpec.dense_32b_on_2xh100()


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and serve until a signal comes or the parent dies."""
    parser = _parser()
    options = parser.parse_args(arguments)
    parent = os.getppid()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    try:
        app = _app_of(options)
    except ValueError as error:
        parser.error(str(error))
    asyncio.run(_serve(app, options.host, options.port, options.port_file, parent if options.exit_with_parent else None))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m thunderagent.adapters.engines.simulated",
        description="A simulated inference engine with vLLM's or SGLang's HTTP interface; by default a 32B model on 2 H100.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=0, help="port there; 0 takes a free one")
    add("--port-file", type=Path, help="file that gets the server's URL once it accepts connections")
    add("--exit-with-parent", action="store_true", help="exit when the parent process dies")
    add("--dialect", choices=DIALECTS, default=DIALECTS[0], help="whose metrics, identity and controls it has")
    add("--answers", default="thunderagent.adapters.engines.simulated.answers:echo", help="policy as MODULE:FACTORY")
    add("--answers-arg", action="append", default=[], metavar="KEY=VALUE", help="argument of the factory; repeatable")
    add("--served-model-name", default="simulated", help="the name clients use")
    add("--tokenizer", type=Path, required=True, help="directory with a ChatML tokenizer.json")
    add("--max-model-len-tokens", type=int, help="longest prompt plus output; the KV capacity if not given")
    add("--time-scale", type=float, default=1.0, help="simulated seconds per wall second")
    add("--seed", type=int, default=0, help="of the made-up logprobs, and of the policy if it takes one")
    add("--kv-capacity-tokens", type=int, default=PRESET.kv_capacity_tokens, help="tokens the KV cache holds")
    add("--block-size-tokens", type=int, default=PRESET.block_size_tokens, help="tokens per KV block")
    add("--prefill-tokens-per-s", type=float, default=PRESET.prefill_tokens_per_s, help="prompt tokens per second")
    add("--decode-step-s", type=float, default=PRESET.decode_step_s, help="seconds every step costs")
    add(
        "--decode-s-per-kv-token",
        type=float,
        default=PRESET.decode_s_per_kv_token,
        help="seconds to read the KV of a token",
    )
    add("--max-batched-tokens", type=int, default=PRESET.max_batched_tokens, help="tokens one step may compute")
    add("--max-running", type=int, default=PRESET.max_running, help="requests one step may hold")
    return parser


def _app_of(options: argparse.Namespace) -> web.Application:
    spec = EngineSpec(
        kv_capacity_tokens=options.kv_capacity_tokens,
        block_size_tokens=options.block_size_tokens,
        prefill_tokens_per_s=options.prefill_tokens_per_s,
        decode_step_s=options.decode_step_s,
        decode_s_per_kv_token=options.decode_s_per_kv_token,
        max_batched_tokens=options.max_batched_tokens,
        max_running=options.max_running,
    )
    return build_app(
        SimulatedEngine(spec),
        load_answers(options.answers, _pairs(options.answers_arg), options.seed),
        ChatMLTokenizer.from_directory(options.tokenizer),
        dialect=options.dialect,
        model_name=options.served_model_name,
        time_scale=options.time_scale,
        max_model_len_tokens=options.max_model_len_tokens,
        seed=options.seed,
    )


def _pairs(arguments: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not key:
            raise ValueError(f"answers-arg is {argument!r}, it must have the form KEY=VALUE")
        pairs[key] = value
    return pairs


async def _serve(app: web.Application, host: str, port: int, port_file: Path | None, parent: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{runner.addresses[0][1]}"
        if port_file is not None:
            write_whole(port_file, url)
        logger.info("simulated engine at %s", url)
        await _wait(stop, parent)
    finally:
        await runner.cleanup()


async def _wait(stop: asyncio.Event, parent: int | None) -> None:
    """Until a signal, or until the parent is gone (the process has then another one)."""
    while not stop.is_set() and parent in (None, os.getppid()):
        try:
            await asyncio.wait_for(stop.wait(), timeout=None if parent is None else PARENT_POLL_S)
        except TimeoutError:
            continue
