"""The process that runs SkyRL: ``python -m recipes.skyrl_swe.job JOB.json``. Started, watched and ended by ``supervise``."""

from __future__ import annotations

import functools
import json
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TextIO

import ray
import skyrl_gym
from skyrl.train.dataset import PromptDataset
from skyrl.train.utils import initialize_ray, validate_cfg

from recipes.skyrl_swe.config import RecipeConfig
from recipes.skyrl_swe.skyrl_config import ENV_CLASS, skyrl_overrides
from thunderagent.adapters.skyrl.compat import stub_fsdp_worker
from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig
from thunderagent.adapters.skyrl.experiment import ThunderExp


@dataclass(frozen=True)
class Job:
    """What the supervisor has prepared. Paths are absolute."""

    config: RecipeConfig
    out_dir: Path
    dataset: Path
    model: str
    urls: list[str]


class SWEExperiment(ThunderExp):
    """SkyRL's experiment with our environment; every trajectory's end is written to ``trajectories.jsonl``."""

    def __init__(self, cfg: ThunderSkyRLConfig, ends: TextIO) -> None:
        super().__init__(cfg)
        self._ends = ends

    def get_train_dataset(self) -> Any:
        """The dataset, filtered in this process: eight helpers, SkyRL's number, cost more than so few rows."""
        return PromptDataset(
            datasets=self.cfg.data.train_data,
            tokenizer=self.tokenizer,
            max_prompt_length=self.cfg.trainer.max_prompt_length,
            num_workers=1,
        )

    def get_generator(self, cfg: Any, tokenizer: Any, inference_engine_client: Any) -> Any:
        """SkyRL's own generator; its outputs are noted on the way out."""
        generator = super().get_generator(cfg, tokenizer, inference_engine_client)
        inner = generator.generate

        @functools.wraps(inner)
        async def generate(input_batch: Any, *args: Any, **kwargs: Any) -> Any:
            output = await inner(input_batch, *args, **kwargs)
            self._note(input_batch, output)
            return output

        generator.generate = generate
        return generator

    def _note(self, input_batch: Any, output: Any) -> None:
        for index, trajectory in enumerate(input_batch["trajectory_ids"]):
            metrics = output["env_metrics"][index] if output.get("env_metrics") else {}
            reward = output["rewards"][index]
            stop_reason = output["stop_reasons"][index]
            end = {
                "trajectory_id": f"{trajectory.instance_id}_{trajectory.repetition_id}",
                "task_id": input_batch["env_extras"][index]["task_id"],
                "reward": sum(reward) if isinstance(reward, list) else reward,
                "turns": metrics.get("turns"),
                "stop_reason": stop_reason,
                "error": stop_reason == "error" or bool(metrics.get("sandbox_failed")),
                "ended_at": time.time(),
            }
            self._ends.write(json.dumps(end) + "\n")
        self._ends.flush()


def run(job: Job) -> None:
    """Run to the end; ``totals.json`` and the profiles are complete however it ends."""
    skyrl_gym.register(id=ENV_CLASS, entry_point="recipes.skyrl_swe.environment:SWEEnvironment")
    overrides = skyrl_overrides(job.config, dataset=job.dataset, model=job.model, urls=job.urls, out_dir=job.out_dir)
    thunder = job.config.thunder_config(str(job.out_dir))
    overrides.update({f"thunder.{field.name}": getattr(thunder, field.name) for field in fields(thunder)})
    tools = job.config.tools_config(job.dataset.parent)
    overrides.update({f"thunder.tools.{field.name}": getattr(tools, field.name) for field in fields(tools)})
    cfg = ThunderSkyRLConfig.from_cli_overrides(overrides)
    if job.config.simulate_training:
        stub_fsdp_worker()
    validate_cfg(cfg)
    initialize_ray(cfg)
    with (job.out_dir / "trajectories.jsonl").open("w", encoding="utf-8") as ends:
        experiment = SWEExperiment(cfg, ends)
        try:
            experiment.run()
        finally:
            if experiment.session is not None:
                runtime = experiment.session.runtime
                cpu_share = runtime.cpu_s / time.process_time()
                snapshot = experiment.session.snapshot()
                totals = {**snapshot, "scheduler_cpu_share": cpu_share, "span_s": runtime.totals.span_s}
                (job.out_dir / "totals.json").write_text(json.dumps(totals, indent=2), encoding="utf-8")
            ray.shutdown()


def main() -> None:
    """Read the job, run it."""
    from recipes.skyrl_swe.hydra_config import from_dict

    raw = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    paths = {"out_dir": Path(raw["out_dir"]), "dataset": Path(raw["dataset"])}
    run(Job(config=from_dict(raw["config"]), model=raw["model"], urls=raw["urls"], **paths))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
