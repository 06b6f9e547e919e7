"""The Hydra application: one call per run, two or more in a multirun."""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from recipes.common.config import CONFIG_DIR
from recipes.common.entry import fail
from recipes.common.report import print_summary
from recipes.skyrl_swe.hydra_config import from_omegaconf, register_schema
from recipes.skyrl_swe.supervise import supervise
from thunderagent.errors import ConfigError

register_schema()


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="skyrl_swe")  # type: ignore[untyped-decorator]
def app(composed: DictConfig) -> None:
    """One rollout under one scheduling mode."""
    out_dir = Path(HydraConfig.get().runtime.output_dir)
    try:
        summary = supervise(from_omegaconf(composed), out_dir)
    except ConfigError as error:  # here, because Hydra prints a line of its own for what passes through it
        fail(str(error))
    print_summary(summary, out_dir)
    if summary["exit_status"]:
        print(f"error: SkyRL ended with status {summary['exit_status']}; see {out_dir / 'run.log'}", file=sys.stderr)
        sys.exit(1)
