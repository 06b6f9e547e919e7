"""The Hydra application: engines, if they are embedded, and the gateway in front of them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from recipes.common import hydra_config
from recipes.common.config import CONFIG_DIR
from recipes.common.engine import end_engine, start_engine
from recipes.common.entry import fail
from recipes.common.hydra_config import writable
from recipes.common.tokenizer import save_byte_tokenizer
from recipes.serve.config import EngineConfig, ServeConfig
from thunderagent.adapters.engines.urls import engine_urls
from thunderagent.cli.start import say, start
from thunderagent.errors import ConfigError

MODEL = "simulated"
ANSWERS = "thunderagent.adapters.engines.simulated.answers:echo"
DIALECT = "vllm"
"""What the embedded engine speaks."""

ConfigStore.instance().store(name="serve_schema", node=writable(ServeConfig))


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="serve")  # type: ignore[untyped-decorator]
def app(composed: DictConfig) -> None:
    """Serve until a signal comes."""
    try:
        serve(from_omegaconf(composed), Path(HydraConfig.get().runtime.output_dir))
    except ConfigError as error:  # here, because Hydra prints a line of its own for what passes through it
        fail(str(error))


def from_omegaconf(composed: DictConfig) -> ServeConfig:
    """The validated configuration.

    Raises:
        ConfigError: names the key, its value and what is allowed.
    """
    return hydra_config.from_omegaconf(composed, ServeConfig)


def serve(config: ServeConfig, out_dir: Path) -> None:
    """Start what is embedded, serve, and end it again, however that ends.

    Raises:
        ConfigError: something cannot be started.
    """
    settings, scheduling = config.settings(), config.thunder_config(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with _engines(config.engine, out_dir) as (urls, kind), _as_keys():
        tools = None if config.tools.backend == "none" else config.tools
        start(scheduling, settings, urls, kind, log_level=config.log_level, log_format=config.log_format, tools=tools)


@contextmanager
def _as_keys() -> Iterator[None]:
    """The gateway names its settings; here they are in a section."""
    try:
        yield
    except ConfigError as error:
        raise error if "." in error.key else ConfigError(f"gateway.{error.key}", error.value, error.allowed) from None


@contextmanager
def _engines(engine: EngineConfig, out_dir: Path) -> Iterator[tuple[list[str], str]]:
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
