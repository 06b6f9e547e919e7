"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import report
from benchmarks.fidelity import mocker, ours, vllm
from benchmarks.fidelity.cases import Case, Recording, cases
from benchmarks.fidelity.outcome import Outcome, differences
from benchmarks.fidelity.trace import agents
from benchmarks.report import Figure
from thunderagent.simulation import EngineSpec

ENGINES = ("vllm", "mocker")
VLLM_AGENTS, QUICK_VLLM_AGENTS = (5, 6, 8, 12, 24), (5, 12)
MOCKER_AGENTS, QUICK_MOCKER_AGENTS = (4, 8, 12, 24, 48), (4, 12)
LARGE_MOCKER_AGENTS, QUICK_LARGE_MOCKER_AGENTS = (8, 32, 64, 128), (8,)
MAX_HIT_RATIO_DIFFERENCE = 0.05
MAX_THROUGHPUT_DIFFERENCE = 10.0
"""Percent."""
QUICK = 0.5
"""Share of the requests of the long traces that ``--quick`` sends."""
EXPLANATION = """\
vllm: a real vLLM on this machine's CPU with a KV cache of 8,192 tokens. Sessions one request after another, prompts that come
twice, and bursts that preempt: cached tokens of each request must agree within one block, preemptions exactly. Then agents in
closed loop, in real time there and in simulated time here, with the constants of the model measured on the server before: hit
ratios side by side.
mocker: ai-dynamo's simulated engine, in simulated time too and with the same constants: throughput of the same agents within 10%.

Each needs its environment, once: scripts/real-vllm setup, scripts/real-mocker setup.

Examples:
  python -m benchmarks.fidelity --engine mocker                  half a minute
  python -m benchmarks.fidelity --engine vllm --quick            some minutes
  python -m benchmarks.fidelity --json fidelity.json             everything, about ten minutes
  python -m benchmarks.fidelity --engine vllm --record FILE      also save what vLLM did, for tests/simulation/data
"""

Figures = dict[str, Figure]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, also when a goal is missed."""
    options = _parser().parse_args(arguments)
    figures: Figures = {}
    if "mocker" in options.engine:
        figures |= compare_with_mocker(options.seed, options.quick)
    if "vllm" in options.engine:
        spec = vllm.spec(options.max_batched_tokens)
        with vllm.server(spec) as url:
            figures |= asyncio.run(_compare_with_vllm(url, spec, options.seed, options.quick, options.record))
    report.print_table("engine model against real engines", figures)
    if options.json is not None:
        report.write(options.json, figures)
        print(f"written: {options.json}")
    return 0


def exact_figures(name: str, real: Outcome, model: Outcome, block_tokens: int) -> Figures:
    """Of a case in which both must do the same."""
    differing = differences(real, model)
    return {
        f"{name}: cached tokens, largest difference": Figure(max(map(abs, differing)), "tokens", at_most=block_tokens),
        f"{name}: requests with any difference": Figure(sum(map(bool, differing)), f"of {len(differing)}"),
        f"{name}: hit ratio": Figure(real.hit_ratio, "of prompt tokens"),
        f"{name}: preemptions": Figure(real.preemptions, ""),
        f"{name}: preemptions, difference": Figure(abs(model.preemptions - real.preemptions), "", at_most=0),
    }


def hit_ratio_figures(name: str, real: Outcome, model: Outcome) -> Figures:
    """Of agents in closed loop, one engine in real time, the other in simulated time."""
    difference = abs(model.hit_ratio - real.hit_ratio)
    return {
        f"{name}: hit ratio": Figure(real.hit_ratio, "of prompt tokens"),
        f"{name}: hit ratio of the model": Figure(model.hit_ratio, "of prompt tokens"),
        f"{name}: hit ratio, difference": Figure(difference, "", at_most=MAX_HIT_RATIO_DIFFERENCE),
        f"{name}: output": Figure(real.output_tokens_per_s, "tokens/s"),
        f"{name}: output of the model": Figure(model.output_tokens_per_s, "tokens/s"),
    }


def throughput_figures(name: str, real: Outcome, model: Outcome) -> Figures:
    """Of agents in closed loop, both in simulated time with the same constants."""
    off = 100 * abs(model.output_tokens_per_s / real.output_tokens_per_s - 1)
    differing = differences(real, model)
    return {
        f"{name}: throughput, difference": Figure(off, "%", at_most=MAX_THROUGHPUT_DIFFERENCE),
        f"{name}: output": Figure(real.output_tokens_per_s, "tokens/s"),
        f"{name}: hit ratio": Figure(real.hit_ratio, "of prompt tokens"),
        f"{name}: cached tokens, requests with any difference": Figure(sum(map(bool, differing)), f"of {len(differing)}"),
        f"{name}: preemptions": Figure(real.preemptions, ""),
        f"{name}: preemptions of the model": Figure(model.preemptions, ""),
    }


def compare_with_mocker(seed: int, quick: bool) -> Figures:
    """On a small engine, and on the one of the policy studies."""
    large = replace(EngineSpec.dense_32b_on_2xh100(), block_size_tokens=vllm.BLOCK_TOKENS)
    small = replace(large, kv_capacity_tokens=8_192, max_batched_tokens=2_048, max_running=64)
    runs = [(small, "8k KV", number, 1) for number in (QUICK_MOCKER_AGENTS if quick else MOCKER_AGENTS)]
    runs += [(large, "270k KV", number, 8) for number in (QUICK_LARGE_MOCKER_AGENTS if quick else LARGE_MOCKER_AGENTS)]
    figures: Figures = {}
    for spec, size, number, scale in runs:
        name = f"mocker, {size}, {number} agents"
        _progress(name)
        trace = agents(seed, number, think_s=1.0, scale=scale, answers_stay=False)
        figures |= throughput_figures(name, mocker.side_by_side(spec, trace), ours.side_by_side(spec, trace))
    return figures


async def _compare_with_vllm(url: str, spec: EngineSpec, seed: int, quick: bool, record: Path | None) -> Figures:
    figures: Figures = {}
    recorded: list[tuple[Case, Outcome]] = []
    async with vllm.Client.of(url) as client:
        version = await client.version()
        for case in cases(seed, QUICK if quick else 1.0):
            name = f"vllm {version}, {case.name}"
            _progress(name)
            real = await (client.all_at_once(case.trace) if case.at_once else client.one_by_one(case.trace))
            recorded.append((case, real))
            figures |= exact_figures(name, real, case.on_the_model(spec), spec.block_size_tokens)
        if record is not None:
            config = await client.config()
            Recording(f"vllm {version}", vllm.command(spec), config, spec, tuple(recorded)).write(record)
            print(f"written: {record}")
        _progress(f"vllm {version}, measuring its times")
        times = await client.times(spec.max_batched_tokens)
        figures |= _time_figures(f"vllm {version}", times)
        for number in QUICK_VLLM_AGENTS if quick else VLLM_AGENTS:
            name = f"vllm {version}, {number} agents"
            _progress(name)
            trace = agents(seed, number)
            model = ours.side_by_side(times.of(spec), trace, times.overhead_s)
            figures |= hit_ratio_figures(name, await client.side_by_side(trace), model)
    return figures


def _time_figures(name: str, times: vllm.Times) -> Figures:
    return {
        f"{name}: prefill": Figure(times.prefill_tokens_per_s, "tokens/s"),
        f"{name}: step": Figure(1e3 * times.decode_step_s, "ms"),
        f"{name}: step, of each token of context": Figure(1e6 * times.decode_s_per_kv_token, "us"),
        f"{name}: request, outside of the engine": Figure(1e3 * times.overhead_s, "ms"),
    }


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fidelity",
        description="Compare the engine model with real engines.",
        epilog=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=list(ENGINES), help="default: all")
    parser.add_argument("--quick", action="store_true", help="shorter traces, fewer agents")
    parser.add_argument("--seed", type=int, default=1, help="of the traces (default 1)")
    parser.add_argument("--max-batched-tokens", type=int, default=2_048, help="of vLLM's steps (default 2048)")
    parser.add_argument("--json", type=Path, help="write all figures with their environment to this file")
    parser.add_argument("--record", type=Path, help="write the exact cases and what vLLM did to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
