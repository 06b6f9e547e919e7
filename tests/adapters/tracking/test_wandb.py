"""A real W&B, offline or unable to reach its server: what it has written, and that nobody ever waits for it."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("wandb")

import wandb

from tests.adapters.tracking import wandb_file
from tests.adapters.tracking.test_profiles import step
from tests.adapters.tracking.wandb_server import Server
from thunderagent.adapters.tracking import RunPlace, WandbRun
from thunderagent.adapters.tracking import wandb as ours
from thunderagent.adapters.tracking.axes import SECTIONS, TABLES, WALL_TIME
from thunderagent.adapters.tracking.tables import COLUMNS, StepTables

KEY = "0" * 40
AT_ONCE_S = 0.5


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """W&B as on a machine where nobody has logged in."""
    for name in [name for name in os.environ if name.startswith("WANDB")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    wandb.teardown()
    yield
    wandb.teardown()


def sample(number: float) -> dict[str, float]:
    return {WALL_TIME: number, "thunder/waiting/turns": 2 * number}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == "WARNING" and record.name == ours.__name__]


def test_without_a_key_a_run_is_recorded_for_wandb_sync(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger=ours.__name__)
    run = WandbRun(RunPlace("team/agents", tmp_path, {"mode": "thunder"}))
    run.put(sample(1))
    run.put(sample(2))
    run.close()
    run.close()
    run.put(sample(3))  # nobody takes it any more, and nothing happens
    (file,) = wandb_file.files(tmp_path)
    assert wandb_file.history(file) == [sample(1), sample(2)]
    told = [record.message for record in caplog.records if record.name == ours.__name__]
    assert told == [f"W&B is offline; `wandb sync {file.parent}` uploads it later"]
    written = next(r.run for r in wandb_file.records(file) if r.WhichOneof("record_type") == "run")
    assert (written.entity, written.project, written.job_type) == ("team", "agents", "scheduling")
    assert {item.key: json.loads(item.value_json) for item in written.config.update}["mode"] == "thunder"


def test_wandb_sync_uploads_later_what_was_recorded_offline(tmp_path: Path) -> None:
    run = WandbRun(RunPlace("team/agents", tmp_path))
    run.put(sample(1))
    run.put({WALL_TIME: 2, "thunder/waiting/turns": math.nan})
    run.close()
    (file,) = wandb_file.files(tmp_path)
    assert len(wandb_file.history(file)) == 2
    server = Server()
    told = {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": server.url}
    command = [str(Path(sys.executable).with_name("wandb")), "sync", str(file.parent)]
    done = subprocess.run(command, env=os.environ | told, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    server.close()
    assert done.returncode == 0, done.stderr
    first, second = server.history
    assert {key: first[key] for key in sample(1)} == sample(1)
    assert math.isnan(float(second["thunder/waiting/turns"]))


def test_scheduling_is_drawn_over_wall_time_but_training_is_not(tmp_path: Path) -> None:
    run = WandbRun(RunPlace("agents", tmp_path))
    run.put(sample(1))
    run.close()
    (file,) = wandb_file.files(tmp_path)
    metrics = [record.metric for record in wandb_file.records(file) if record.WhichOneof("record_type") == "metric"]
    axes = {metric.glob_name or metric.name: metric.step_metric for metric in metrics}
    assert {f"thunder/{section}/*" for section in SECTIONS} <= axes.keys()
    assert all(axis == WALL_TIME for name, axis in axes.items() if name != WALL_TIME)
    assert not any(name.startswith(("thunder/train", "thunder/*")) for name in axes)


def test_tables_of_steps_are_files_of_the_run(tmp_path: Path) -> None:
    tables = StepTables()
    tables.took_step(step(7))
    run = WandbRun(RunPlace("agents", tmp_path))
    run.put(sample(1), tables.take())
    run.close()
    (file,) = wandb_file.files(tmp_path)
    (row,) = wandb_file.history(file)
    for name in TABLES:
        assert (row[name]["_type"], row[name]["nrows"], row[name]["ncols"]) == ("table-file", 1, len(COLUMNS))
        written = json.loads((file.parent / "files" / row[name]["path"]).read_text())
        assert dict(zip(written["columns"], written["data"][0], strict=True))["step_id"] == 7


def test_beside_the_run_of_a_training_it_disturbs_neither_its_steps_nor_who_is_current(tmp_path: Path) -> None:
    training = wandb.init(project="agents", name="ppo-1", mode="offline", dir=str(tmp_path))
    run = WandbRun(RunPlace("agents", tmp_path))
    for number in range(5):
        run.put(sample(number))
    wandb.log({"loss": 0.5}, step=1, commit=True)
    run.close()
    wandb.log({"loss": 0.25}, step=2, commit=True)
    assert wandb.run is training
    training.finish()
    of_run = {file: wandb_file.records(file) for file in wandb_file.files(tmp_path)}
    told = {next(r.run.display_name for r in rs if r.WhichOneof("record_type") == "run"): file for file, rs in of_run.items()}
    assert told.keys() == {"ppo-1", "ppo-1 scheduling"}
    assert [row["loss"] for row in wandb_file.history(told["ppo-1"])] == [0.5, 0.25]
    scheduling = next(r.run for r in of_run[told["ppo-1 scheduling"]] if r.WhichOneof("record_type") == "run")
    assert scheduling.run_group == training.id
    assert len(wandb_file.history(told["ppo-1 scheduling"])) == 5


def test_where_wandb_is_disabled_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    run = WandbRun(RunPlace("agents", tmp_path))
    run.put(sample(1))
    run.close()
    assert wandb_file.files(tmp_path) == []


def test_a_server_that_is_not_there_is_one_warning_and_the_run_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(ours, "INIT_TIMEOUT_S", 1.0)
    run = WandbRun(RunPlace("agents", tmp_path))
    for number in range(3):
        run.put(sample(number))
    run.close()
    (warning,) = warnings(caplog)
    assert warning.startswith("W&B cannot be reached, the run is recorded here: ")
    assert "wandb sync" in warning
    assert [len(wandb_file.history(file)) for file in wandb_file.files(tmp_path) if "offline-run" in str(file)] == [3]


def test_a_key_that_is_wrong_is_one_warning_and_the_run_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(status=401)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    run = WandbRun(RunPlace("agents", tmp_path))
    run.put(sample(1))
    run.close()
    server.close()
    (warning,) = warnings(caplog)
    assert warning.startswith("W&B cannot be reached, the run is recorded here: ")
    assert [len(wandb_file.history(file)) for file in wandb_file.files(tmp_path) if "offline-run" in str(file)] == [1]


def test_a_key_that_is_none_is_one_warning_and_the_run_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "my key")
    run = WandbRun(RunPlace("agents", tmp_path))
    run.put(sample(1))
    run.close()
    (warning,) = warnings(caplog)
    assert "API key" in warning
    assert [len(wandb_file.history(file)) for file in wandb_file.files(tmp_path)] == [1]


def test_a_server_that_never_answers_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(ours, "INIT_TIMEOUT_S", 2.0)
        run = WandbRun(RunPlace("agents", tmp_path), queued_samples=3)
        began_s = time.monotonic()
        for number in range(10):
            run.put(sample(number))
        assert time.monotonic() - began_s < AT_ONCE_S
        assert warnings(caplog) == ["W&B has not taken a sample for long; later ones are dropped until it does"]
        began_s = time.monotonic()
        run.close(timeout_s=0.1)
        assert time.monotonic() - began_s < AT_ONCE_S
        run.close()


def test_on_a_disk_without_room_nothing_is_written_and_it_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = WandbRun(RunPlace("agents", tmp_path), min_free_bytes=1 << 60)
    for number in range(3):
        run.put(sample(number))
    run.close()
    (warning,) = warnings(caplog)
    assert warning.startswith("W&B is told nothing while ")
    (file,) = wandb_file.files(tmp_path)
    assert wandb_file.history(file) == []


def test_the_death_of_its_service_is_one_warning_and_no_traceback(tmp_path: Path) -> None:
    script = f"""
        import logging, os, signal, threading, time
        from pathlib import Path
        import psutil
        from thunderagent.adapters.tracking import RunPlace, WandbRun

        logging.basicConfig(level="WARNING", format="%(levelname)s %(message)s")
        run = WandbRun(RunPlace("agents", Path({str(tmp_path)!r})))
        run.put({{"thunder/wall_s": 0.0}})
        while not list(Path({str(tmp_path)!r}).glob("wandb/*/*.wandb")):
            time.sleep(0.05)
        for child in psutil.Process().children():
            child.kill()
            child.wait()
        for number in range(20):
            run.put({{"thunder/wall_s": float(number)}})
            time.sleep(0.02)
        run.close()
        print("went on")
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "went on\n")
    assert [line for line in done.stderr.splitlines() if line.startswith("WARNING")] == done.stderr.splitlines()
    assert done.stderr.count("W&B is not told any more: ") == 1


def test_a_process_that_ends_without_closing_it_loses_nothing(tmp_path: Path) -> None:
    script = f"""
        import time
        from pathlib import Path
        from thunderagent.adapters.tracking import RunPlace, WandbRun

        run = WandbRun(RunPlace("agents", Path({str(tmp_path)!r})))
        run.put({{"thunder/wall_s": 0.0}})
        while not run._queue.empty():  # until it is open
            time.sleep(0.05)
        run.put({{"thunder/wall_s": 1.0}})
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    (file,) = wandb_file.files(tmp_path)
    assert wandb_file.history(file)[-1] == {"thunder/wall_s": 1.0}


def test_what_fails_in_words_is_one_line() -> None:
    class Wordless(Exception):
        pass

    told: list[Any] = [ours._in_words(Wordless("first\nsecond")), ours._in_words(Wordless())]
    assert told == ["first", "Wordless"]
