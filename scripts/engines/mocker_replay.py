"""Replays one trace offline; runs in the mocker's environment, for `scripts/real-mocker replay`. The job is JSON."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from dynamo.mocker.config import normalize_mocker_config
from dynamo.replay import run_trace_replay

FAR_TOKENS = 1e6
"""The mocker interpolates between measured points; with two of them its times are straight lines."""


def main() -> None:
    """Print the report."""
    job = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.npz"
        write_times(times, job)
        config = normalize_mocker_config(
            {
                "engine": {
                    "backend": "vllm",
                    "block_size": job["block_size"],
                    "num_gpu_blocks": job["blocks"],
                    "max_num_seqs": job["max_seqs"],
                    "max_num_batched_tokens": job["max_batched_tokens"],
                    "timing_model": {"type": "external", "provider": "dynamo_profile", "config": {"path": str(times)}},
                }
            }
        )
        report = run_trace_replay(
            job["trace"], extra_engine_args=config, trace_block_size=job["block_size"], capture_per_request=True
        )
    print(json.dumps({"summary": report.summary, "per_request": report.per_request}))


def write_times(path: Path, job: dict[str, float]) -> None:
    """The constants as the mocker's profile data, in milliseconds."""
    ends = np.array([0.0, FAR_TOKENS])
    decode_ms = 1e3 * (job["decode_step_s"] + ends * job["decode_s_per_kv_token"])
    np.savez(
        path,
        prefill_isl=ends,
        prefill_ttft_ms=1e3 * ends / job["prefill_tokens_per_s"],
        decode_active_kv_tokens=ends,
        decode_context_length=ends,
        decode_itl=np.stack([decode_ms, decode_ms], axis=1),
    )


if __name__ == "__main__":
    main()
