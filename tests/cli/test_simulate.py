from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Command
from thunderagent.study.document import Study

TINY = ("--hours", "0.01", "--workers", "1", "-w", "search", "--set", "kv_capacity_tokens=20000")


def written(folder: Path) -> Study:
    return Study.from_json((folder / "study.json").read_text(encoding="utf-8"))


def test_policies_are_compared_in_a_table_and_kept_as_data(thunderagent: Command, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "study"
    ran = thunderagent("simulate", *TINY, "-p", "default", "-p", "thunder", "-p", "default", "--no-report", "-o", folder)
    study = written(folder)

    assert ran.status == 0
    assert "search, load 4" in ran.out
    assert f"written: {folder}/study.json" in ran.err
    assert "2/2" in ran.err
    assert [(cell.policy, cell.load, cell.seed) for cell in study.cells] == [("default", 4.0, 21), ("thunder", 4.0, 21)]
    assert study.title == "Simulation: search"
    assert study.settings["engine.kv_capacity_tokens"] == 20_000
    assert study.settings["seeds"] == "21"
    assert study.settings["policy thunder"]
    assert [path.name for path in folder.iterdir()] == ["study.json"]


def test_a_report_has_a_page_pictures_and_a_timeline(thunderagent: Command, tmp_path: Path) -> None:
    ran = thunderagent("simulate", *TINY, "-p", "thunder", "-o", tmp_path)

    assert ran.status == 0
    assert f"written: {tmp_path}/report.html" in ran.err
    assert {"report.html", "study.json"} < {path.name for path in tmp_path.iterdir()}
    assert list(tmp_path.glob("*.png"))
    assert [made.policy for made in written(tmp_path).timelines] == ["thunder"]


def test_loads_workloads_and_seeds_are_all_combined(thunderagent: Command, tmp_path: Path) -> None:
    ran = thunderagent(
        *("simulate", *TINY, "-w", "orchestra", "-l", 2, "-l", "0.5", "-l", 2, "-p", "default", "--seeds", 2),
        *("--no-report", "-o", tmp_path),
    )

    assert ran.status == 0
    assert [(cell.seed, cell.workload, cell.load) for cell in written(tmp_path).cells] == [
        (seed, workload, load) for seed in (21, 22) for workload in ("search", "orchestra") for load in (0.5, 2.0)
    ]


def test_a_batch_has_a_makespan_and_so_many_groups(thunderagent: Command, tmp_path: Path) -> None:
    ran = thunderagent(
        *("simulate", "-w", "rl-batch", "--groups", 1, "-n", 2, "-p", "thunder", "--workers", 1, "--no-report", "-o", tmp_path)
    )
    (cell,) = written(tmp_path).cells

    assert ran.status == 0
    assert (cell.load, cell.programs) == (0.0, 8)
    assert cell.metrics["makespan_s"] > 0
    assert written(tmp_path).settings["engines"] == 2


def test_the_best_cap_is_told(thunderagent: Command, tmp_path: Path) -> None:
    ran = thunderagent("simulate", *TINY, "-p", "cap", "--no-report", "-o", tmp_path)

    assert ran.status == 0
    assert str(written(tmp_path).settings["best cap, search load 4"]).endswith(" programs per engine")


def test_faults_are_told_in_the_notes(thunderagent: Command, tmp_path: Path) -> None:
    faults = ("--fault", "capacity=0.8", "--fault", "tokens=1.1", "--fault", "silent=10-20", "--fault", "death=0@12+5")
    ran = thunderagent("simulate", *TINY, "-p", "thunder", *faults, "--no-report", "-o", tmp_path)

    assert ran.status == 0
    assert written(tmp_path).notes == [f"fault: {text}" for text in faults[1::2]]
    assert "note: fault: capacity=0.8" in ran.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("--workload none", "--workload=none: must be one of swe, openhands, "),
        ("--workload [/red]", "--workload=[/red]: must be one of swe, openhands, "),
        ("--policy best", "--policy=best: must be one of default, least-loaded, "),
        ("--engine 1b", "--engine=1b: must be one of 32b-2xh100, "),
        ("--load 0", "--load=0.0: must be positive and at most 1000"),
        ("--load -1", "--load=-1.0: must be positive and at most 1000"),
        ("--load nan", "--load=nan: must be positive and at most 1000"),
        ("--load 1e300", "--load=1e+300: must be positive and at most 1000"),
        ("--hours inf", "--hours=inf: must be positive and finite"),
        ("--set speed=2", "--set=speed=2: must be KEY=VALUE with KEY one of block_size_tokens, "),
        ("--set max_running", "--set=max_running: '' is not a number"),
        ("--set max_running=many", "--set=max_running=many: 'many' is not a number"),
        ("--set max_running=1.5", "--set=max_running=1.5: max_running must be a whole number"),
        ("--set max_running=inf", "--set=max_running=inf: max_running must be a whole number"),
        ("--set max_running=0", "--set=max_running=0: max_running is 0, it must be at least 1"),
        ("--set decode_step_s=nan", "--set=decode_step_s=nan: decode_step_s is nan, it must be positive and finite"),
        ("--set queue=lifo", "--set=queue=lifo: queue is 'lifo', it must be 'fcfs' or 'priority'"),
        ("--fault fire", "--fault=fire: must be capacity=, tokens=, silent=FROM-UNTIL or death=ENGINE@AT+DOWN"),
        ("--fault capacity=", "--fault=capacity=: '' is not a number"),
        ("--fault capacity=0", "--fault=capacity=0: capacity_factor is 0.0, it must be positive and finite"),
        ("--fault tokens=nan", "--fault=tokens=nan: token_factor is nan, it must be positive and finite"),
        ("--fault silent=20", "--fault=silent=20: '' is not a number"),
        ("--fault silent=20-10", "--fault=silent=20-10: engines are silent from 20.0 to 10.0 s"),
        ("--fault death=1@5+5", "--fault=death=1@5+5: the engine must be a number from 0 to 0"),
        ("--fault death=x@5+5", "--fault=death=x@5+5: the engine must be a number from 0 to 0"),
        ("--fault death=0@5", "--fault=death=0@5: '' is not a number"),
        ("--fault death=0@5+0", "--fault=death=0@5+0: Death(engine=0, at_s=5.0, down_s=0.0)"),
    ],
)
def test_a_mistake_is_told_in_one_line(thunderagent: Command, arguments: str, problem: str, tmp_path: Path) -> None:
    assert thunderagent("simulate", *arguments.split(), "-o", tmp_path / "out").problem.startswith(problem)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", ["--engines 0", "--seeds 0", "--hours 0", "--hours nan", "--workers 0", "--groups 0"])
def test_a_number_out_of_range_is_told_with_its_option(thunderagent: Command, arguments: str) -> None:
    ran = thunderagent("simulate", *arguments.split())

    assert ran.status == 2
    assert arguments.split(maxsplit=1)[0] in ran.err
    assert "Traceback" not in ran.err


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_simulated(thunderagent: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ran = thunderagent("simulate", *TINY, "-o", tmp_path / "file" / "out")
    assert ran.problem == f"--out={tmp_path}/file/out: cannot be written: Not a directory"


def test_a_file_that_cannot_be_written_is_told(thunderagent: Command, tmp_path: Path) -> None:
    (tmp_path / "study.json").mkdir()
    ran = thunderagent("simulate", *TINY, "-p", "default", "--no-report", "-o", tmp_path)

    assert ran.status == 2
    assert f"error: --out={tmp_path}: cannot be written: Is a directory" in ran.err
    assert "search, load 4" in ran.out


def test_steps_of_every_simulation_are_written_where_profiles_are_wanted_and_replay_takes_them(
    thunderagent: Command, tmp_path: Path
) -> None:
    ran = thunderagent(
        "simulate", *TINY, "-p", "default", "-p", "tr", "--no-report", "-o", tmp_path / "a", "--profile", tmp_path / "p"
    )
    assert ran.status == 0
    assert {path.name for path in (tmp_path / "p").iterdir()} == {"search-default-load4-seed21", "search-tr-load4-seed21"}
    steps = tmp_path / "p" / "search-tr-load4-seed21" / "profile.jsonl"
    again = thunderagent(
        "replay", steps, "-p", "tr", "--workers", 1, "--no-report", "-o", tmp_path / "b", "--profile", tmp_path / "q"
    )
    assert again.status == 0
    assert (tmp_path / "q" / "profile.jsonl-tr-seed0" / "profile.csv").exists()


def test_profiles_that_cannot_be_written_are_a_mistake_of_the_option(thunderagent: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = thunderagent("simulate", *TINY, "-p", "tr", "--no-report", "-o", tmp_path / "a", "--profile", tmp_path / "file")
    assert (ran.status, f"--profile={tmp_path}/file: cannot be written: File exists" in ran.err) == (2, True)
