"""The embedded engine as a process of its own, fast: what is measured beside it is the client's side."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipes.common.config import EngineConfig
from recipes.common.engine import end_engine, start_engine
from recipes.common.hf_tokenizer import save_tokenizer

FAST = EngineConfig(kv_capacity_tokens=4_000_000, prefill_tokens_per_s=1e6, decode_step_s=0.001, decode_s_per_kv_token=0.0)
"""Everything fits, and a short turn takes some milliseconds."""


@contextmanager
def running(engine: EngineConfig, dialect: str) -> Iterator[tuple[str, Path]]:
    """Its URL, and the directory of its tokenizer, which is its model's name too."""
    with tempfile.TemporaryDirectory(prefix="ta-rl-") as directory:
        here = Path(directory)
        tokenizer = save_tokenizer(here / "model")
        process, url = start_engine(
            engine,
            dialect=dialect,
            tokenizer=tokenizer,
            model_name=str(tokenizer),
            answers="thunderagent.adapters.engines.simulated.answers:echo",
            port_file=here / "url",
            log=here / "engine.log",
        )
        try:
            yield url, tokenizer
        finally:
            end_engine(process)
