"""The engines that the gateway stands in front of: served already, or embedded."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from recipes.common.engine import end_engine, start_engine
from recipes.common.tokenizer import save_byte_tokenizer
from recipes.serve.config import EngineConfig
from thunderagent.adapters.engines.urls import engine_urls
from thunderagent.cli.start import say

MODEL = "simulated"
ANSWERS = "thunderagent.adapters.engines.simulated.answers:echo"
DIALECT = "vllm"
"""What the embedded engine speaks."""


@contextmanager
def engines(engine: EngineConfig, out_dir: Path) -> Iterator[tuple[list[str], str]]:
    """Their URLs and what they are. Those that are embedded end with the block; their logs are in ``out_dir``.

    Raises:
        ConfigError: a URL is none, or an embedded engine did not start.
    """
    if engine.kind != "simulated":
        urls, notes = engine_urls("engine.urls", engine.urls)
        for note in notes:
            say("note", note)
        yield urls, engine.kind
        return
    with ExitStack() as ends, tempfile.TemporaryDirectory(prefix="thunderagent-serve-") as folder:
        urls = []
        tokenizer = save_byte_tokenizer(Path(folder))
        for index in range(engine.count):
            process, url = _start(engine, index, tokenizer, Path(folder), out_dir)
            ends.callback(end_engine, process)
            urls.append(url)
        if sys.stdout.isatty():
            say("note", f"the embedded engine calls its model {MODEL!r} and answers with the last message that it gets")
        yield urls, DIALECT


def _start(engine: EngineConfig, index: int, tokenizer: Path, folder: Path, out_dir: Path) -> tuple[subprocess.Popen[bytes], str]:
    return start_engine(
        engine,
        tokenizer=tokenizer,
        model_name=MODEL,
        answers=ANSWERS,
        port=engine.port and engine.port + index,
        port_file=folder / f"engine-{index}.url",
        log=out_dir / f"engine-{index}.log",
    )
