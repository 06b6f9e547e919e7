"""Traces on the mocker of ai-dynamo, in simulated time, which `scripts/real-mocker replay` runs."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.fidelity.outcome import Outcome
from benchmarks.fidelity.trace import Trace
from thunderagent.simulation import EngineSpec

ROOT = Path(__file__).parents[2]


def side_by_side(spec: EngineSpec, trace: Trace) -> Outcome:
    """Each session in closed loop, with the constants of a spec.

    Raises:
        ValueError: answers stay in later prompts; the mocker says tokens of its own.
        SystemExit: the replay failed; the message says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows(trace, spec.block_size_tokens)), encoding="utf-8")
        command = [str(ROOT / "scripts" / "real-mocker"), "replay", str(path)]
        command += ["--blocks", str(spec.num_blocks), "--block-size", str(spec.block_size_tokens)]
        command += ["--max-seqs", str(spec.max_running), "--max-batched-tokens", str(spec.max_batched_tokens)]
        command += ["--prefill-tokens-per-s", str(spec.prefill_tokens_per_s), "--decode-step-s", str(spec.decode_step_s)]
        command += ["--decode-s-per-kv-token", str(spec.decode_s_per_kv_token)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stderr.strip() or "error: the mocker's replay failed")
    return outcome(json.loads(ended.stdout.splitlines()[-1]))


def rows(trace: Trace, block_size: int) -> list[dict[str, Any]]:
    """The trace in the Mooncake format: a number for every block names it and all before it."""
    if trace.answers_stay:
        raise ValueError("answers stay in later prompts of this trace, but the mocker says tokens of its own")
    numbers: dict[tuple[int, tuple[int, ...]], int] = {}
    written = []
    for session, prompts in enumerate(trace.by_session()):
        for index, prompt in enumerate(prompts):
            name, hash_ids = 0, []
            for start in range(0, len(prompt.tokens), block_size):
                block = (name, prompt.tokens[start : start + block_size])
                name = numbers.setdefault(block, len(numbers) + 1)
                hash_ids.append(name)
            when = {"delay": 1e3 * prompts[index - 1].turn.think_s} if index else {"timestamp": 0.0}
            lengths = {"input_length": len(prompt.tokens), "output_length": len(prompt.output)}
            written.append({"session_id": str(session), **when, **lengths, "hash_ids": hash_ids})
    return written


def outcome(report: dict[str, Any]) -> Outcome:
    """What a replay's report says, in the order of `Trace.by_session`."""
    served = sorted(report["per_request"], key=lambda request: (int(request["session_id"]), request["turn_index"]))
    return Outcome(
        prompt_tokens=tuple(request["input_length"] for request in served),
        # At its first admission, as vLLM counts; the report's own number is of the last one.
        cached_tokens=tuple(request["admission_history"][0]["reused_input_tokens"] for request in served),
        preemptions=sum(request["readmission_count"] for request in served),
        wall_s=report["summary"]["duration_ms"] / 1e3,
        output_tokens=sum(request["output_length"] for request in served),
    )
