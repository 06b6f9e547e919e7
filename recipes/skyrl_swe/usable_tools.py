"""Tools that work on this machine: a look before anything is started."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from recipes.skyrl_swe.config import RecipeConfig
from thunderagent.adapters.tools import open_backend
from thunderagent.errors import ConfigError, SandboxProblem
from thunderagent.tools_config import ToolsConfig

LOOK_TIMEOUT_S = 10.0
"""A container engine answers in milliseconds, one under load in seconds."""


def with_usable_tools(config: RecipeConfig, work_dir: Path) -> RecipeConfig:
    """Where bubblewrap, the default, does not work, commands run as local processes; a line on standard error says so.

    Raises:
        ConfigError: other tools do not work.
    """
    backend = config.tools.backend
    if backend == "none":
        return config
    try:
        asyncio.run(_look(config.tools_config(work_dir)))
    except TimeoutError:
        raise ConfigError("tools.backend", backend, f"does not answer within {LOOK_TIMEOUT_S:g} s") from None
    except SandboxProblem as problem:
        raise ConfigError("tools.backend", backend, str(problem)) from None
    except ConfigError as error:
        if backend != "bubblewrap":
            raise
        print(f"warning: {error}; commands run as local processes", file=sys.stderr)
        return replace(config, tools=replace(config.tools, backend="none"))
    return config


async def _look(config: ToolsConfig) -> None:
    backend = open_backend(config)
    try:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            await backend.found()
    finally:
        await backend.close()
