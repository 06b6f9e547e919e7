"""SkyRL's synchronous trainer, its own loop, generator and weight sync, with everything left out that needs a model."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from thunderagent.adapters.skyrl.compat import prepare_import, stub_fsdp_worker

prepare_import()
pytest.importorskip("skyrl")
pytest.importorskip("ray")
pytest.importorskip("transformers")

import torch  # noqa: E402
from skyrl.backends.skyrl_train.workers.worker_dispatch import WorkerDispatch  # noqa: E402
from skyrl.train.dataset import PromptDataset  # noqa: E402
from skyrl.train.trainer import RayPPOTrainer  # noqa: E402
from skyrl.train.utils import validate_cfg  # noqa: E402

from tests.adapters.skyrl.processes import engine_of, keys, write_dataset  # noqa: E402
from thunderagent.adapters.skyrl import mixin  # noqa: E402
from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig  # noqa: E402
from thunderagent.adapters.skyrl.experiment import ThunderExp  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
FSDP_WORKER = "skyrl.backends.skyrl_train.workers.fsdp.fsdp_worker"


class NoModels(WorkerDispatch):
    """SkyRL's own ``save_weights_for_sampler``; the broadcast is what its workers do beside sending weights."""

    def __init__(self, cfg: Any, client: Any) -> None:
        self.cfg, self._inference_engine_client = cfg, client
        self.colocate_all = cfg.trainer.placement.colocate_all

    def _broadcast_to_inference_engines(self, inference_engine_client: Any, model_id: str | None = None) -> None:
        pickled = cloudpickle.dumps(inference_engine_client)

        async def reset() -> None:
            async with cloudpickle.loads(pickled) as copy:
                await copy.reset_prefix_cache(reset_running_requests=True)

        worker = threading.Thread(target=lambda: asyncio.run(reset()))
        worker.start()
        worker.join()  # as `ray.get` does, it blocks the loop

    def _nothing(self, *args: Any, **kwargs: Any) -> None:
        pass

    _prepare_for_weight_sync = _finish_weight_sync = ensure_active_adapter = empty_cache = finalize_pending_saves = _nothing

    def get_lcm_dp_size(self) -> int:
        return 1


class Trainer(RayPPOTrainer):
    """What ``FullyAsyncTrainerSim`` does for the other trainer."""

    def build_models(self, *workers: Any) -> None:
        pass

    def init_weight_sync_state(self) -> None:
        self.dispatch = NoModels(self.cfg, self.inference_engine_client)

    def fwd_logprobs_values_reward(self, training_input: Any) -> Any:
        training_input["action_log_probs"] = torch.zeros_like(training_input["loss_mask"], dtype=torch.float32)
        training_input["base_action_log_probs"] = training_input["values"] = None
        return training_input

    def train_critic_and_policy(self, data: Any) -> dict[str, float]:
        return {}


class Experiment(ThunderExp):
    """On a machine without GPUs, with its log kept."""

    def __init__(self, cfg: ThunderSkyRLConfig) -> None:
        super().__init__(cfg)
        self.rows: list[dict[str, Any]] = []

    def get_colocate_pg(self, *args: Any, **kwargs: Any) -> None:
        return None

    def get_train_dataset(self) -> Any:
        return PromptDataset(self.cfg.data.train_data, self.tokenizer, self.cfg.trainer.max_prompt_length, num_workers=1)

    get_eval_dataset = get_train_dataset

    def get_tracker(self) -> Any:
        tracker = super().get_tracker()
        tracker.logger.log = lambda data, step: self.rows.append(data)
        return tracker

    def get_trainer(self, *args: Any, **kwargs: Any) -> Any:
        return Trainer(*args, **kwargs)


@pytest.mark.parametrize("colocated", [True, False])
def test_its_steps_run_scheduled_through_sleep_or_pause_weight_syncs_and_evaluation(
    tmp_path: Path, colocated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(tmp_path, 2)
    monkeypatch.setitem(sys.modules, FSDP_WORKER, sys)  # so that the stub does not stay
    stub_fsdp_worker()
    with engine_of(tmp_path) as url:
        colocate = f"trainer.placement.colocate_all={str(colocated).lower()}"
        cfg = ThunderSkyRLConfig.from_cli_overrides([*keys(tmp_path, url), colocate, "trainer.eval_interval=2"])
        engine = cfg.generator.inference_engine
        if colocated:  # SkyRL wants to start such engines itself
            engine.run_engines_locally, engine.external_proxy_url, engine.external_server_urls = True, None, None
        validate_cfg(cfg)
        engine.external_proxy_url, engine.external_server_urls = url, [url]
        experiment = Experiment(cfg)
        experiment.run()
    assert experiment.session is not None
    scheduler = experiment.session.runtime.scheduler
    assert (dict(scheduler.programs), scheduler.waiting_turns) == ({}, 0)
    assert scheduler.counters.syncs_abandoned == 0
    assert scheduler.syncing is colocated  # the engines sleep at the end
    losses = 2 + colocated  # after each step, and with the sleep at the end; an epoch begins when the engine joins, too
    assert [backend.epoch for backend in scheduler.ledger.backends.values()] == [1 + losses]
    steps = [json.loads(line) for line in (tmp_path / "profiles" / "profile.jsonl").read_text().splitlines()]
    assert [step["outcome"] for step in steps] == ["completed"] * len(steps)
    trained = [step["program_id"] for step in steps if step["phase"] == "train"]
    assert sorted(set(trained)) == ["train/0_0", "train/0_1", "train/1_0", "train/1_1"]
    assert {step["program_id"] for step in steps if step["phase"] == "eval"} == {"eval/0_0", "eval/1_0"}
    first, second = experiment.rows
    assert [row["thunder/train/turns"] for row in (first, second)] == [len(trained) / 2] * 2
    assert "thunder/eval/turns" not in first
    assert second["thunder/eval/turns"] == len(steps) - len(trained)
    assert (second["thunder/programs/known"], second["thunder/throughput/failed_steps_per_min"]) == (0, 0)
    assert second["generate/trajectory_time_pause_mean"] >= 0.0


def test_its_steps_run_behind_the_gateway_in_the_place_of_skyrls_router(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(tmp_path, 2)
    monkeypatch.setitem(sys.modules, FSDP_WORKER, sys)
    stub_fsdp_worker()
    monkeypatch.setattr(mixin, "get_node_ip", lambda: "127.0.0.1")
    with engine_of(tmp_path) as url:
        gateway = ["trainer.placement.colocate_all=false", "thunder.gateway=true", "trainer.eval_interval=2"]
        cfg = ThunderSkyRLConfig.from_cli_overrides([*keys(tmp_path, url), *gateway])
        validate_cfg(cfg)
        experiment = Experiment(cfg)
        experiment.run()
    steps = [json.loads(line) for line in (tmp_path / "profiles" / "profile.jsonl").read_text().splitlines()]
    assert {step["outcome"] for step in steps} == {"completed"}
    assert {step["program_id"] for step in steps} == {
        *("train/0_0", "train/0_1", "train/1_0", "train/1_1"),
        *("eval/0_0", "eval/1_0"),
    }
    first, second = experiment.rows
    assert (first["thunder/programs/known"], second["thunder/programs/known"]) == (0, 0)
    turns = [first["thunder/train/turns"], second["thunder/train/turns"], second["thunder/eval/turns"]]
    assert (turns[0], sum(turns)) == (4, len(steps))
