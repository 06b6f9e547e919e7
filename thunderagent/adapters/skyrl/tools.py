"""How environments of SkyRL reach the sandboxes of their trajectories.

``extras[PROGRAM]`` names the program under which a trajectory is scheduled, and ``current()`` gives the tools: a sandbox that is
asked for in its name is prepared by when its turn will run, and goes when the trajectory is over.
"""

from __future__ import annotations

from typing import Any

from thunderagent.adapters.trajectory_ids import program_id
from thunderagent.errors import ConfigError
from thunderagent.runtime.tools import BlockingTools

PROGRAM = "thunder_program"
"""The key of a trajectory's program among the extras of its environment."""
_current: list[BlockingTools] = []


def current() -> BlockingTools:
    """The tools of this process's experiment, for environments, which SkyRL runs in threads (``max_env_workers``).

    Raises:
        ConfigError: there are none.
    """
    if not _current:
        raise ConfigError("thunder.tools.backend", "none", "there are no sandboxes: choose docker, bubblewrap or callable")
    return _current[-1]


def use(tools: BlockingTools) -> None:
    """Those of ``current`` from now on: environments are told of nothing but their extras."""
    _current[:] = [tools]


def name_programs(input_batch: Any) -> None:
    """Tell every environment of a batch which program it belongs to. Trajectories without ids have none."""
    for trajectory, extras in zip(input_batch.get("trajectory_ids") or (), input_batch.get("env_extras") or (), strict=False):
        extras[PROGRAM] = program_id(f"{trajectory.instance_id}_{trajectory.repetition_id}")
