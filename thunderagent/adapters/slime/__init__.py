"""thunderagent under slime: two of its hooks, by their paths.

- ``--custom-generate-function-path thunderagent.adapters.slime.generate``: every turn of your own generate function is scheduled;
- ``--rollout-function-path thunderagent.adapters.slime.generate_rollout``: the same, and metrics of each step.

In your generate function, ``program(args)`` is the sample's program, with its sandboxes.

Settings are the section ``thunder:`` of the file that ``--custom-config-path`` names (``settings.SlimeSettings``). slime is
imported when one of them is called.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import Namespace

    from thunderagent.client import Program

__all__ = ["generate", "generate_rollout", "program"]


@asynccontextmanager
async def program(args: Namespace) -> AsyncIterator[Program]:
    """The program of the sample for which your generate function was called, with these arguments: ``program.sandbox(...)``.

    Its end is the sample's: then its sandboxes go.

    Raises:
        ConfigError: its turns are not scheduled, so that there is none.
    """
    from thunderagent.adapters.slime.programs import program_of
    from thunderagent.client import Program
    from thunderagent.errors import ConfigError

    found = program_of(args)
    if found is None:
        allowed = "is no gateway: give the arguments of a generate function that thunderagent has called (thunder.inner_generate)"
        raise ConfigError("args.sglang_router_port", args.sglang_router_port, allowed)
    url, program_id = found
    mine = Program(program_id, url)
    try:
        yield mine
    finally:
        await mine.disconnect()


async def generate(args: Namespace, sample: Any, sampling_params: dict[str, Any], evaluation: bool = False) -> Any:
    """slime's hook for one sample: ``thunder.inner_generate``, with its turns scheduled.

    Raises:
        ConfigError: a setting is not usable, or slime is none that is supported.
    """
    from thunderagent.adapters.slime import samples

    return await samples.generate(args, sample, sampling_params, evaluation)


def generate_rollout(args: Namespace, rollout_id: int, data_source: Any, evaluation: bool = False) -> Any:
    """slime's hook for one step: ``thunder.inner_rollout`` (``inner_eval`` for evaluation), its samples scheduled and measured.

    Raises:
        ConfigError: as ``generate``.
    """
    from thunderagent.adapters.slime import rollout

    return rollout.generate_rollout(args, rollout_id, data_source, evaluation)
