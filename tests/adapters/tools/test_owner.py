"""Whether another process, which once made sandboxes, still lives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from thunderagent.adapters.tools.owner import is_dead, new_owner_id

OWNER = """
from thunderagent.adapters.tools.owner import new_owner_id
print(new_owner_id(), flush=True)
input()
"""


@contextmanager
def another_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """One that lives until something is written to it, and its owner id."""
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_ids_of_one_process_differ_and_it_lives() -> None:
    first, second = new_owner_id(), new_owner_id()
    assert first != second
    assert not is_dead(first) and not is_dead(second)


def test_another_process_lives_until_it_ends() -> None:
    with another_process() as (process, owner_id):
        assert not is_dead(owner_id)
        process.communicate("\n")
        assert is_dead(owner_id)


def test_one_that_was_killed_is_dead_before_its_parent_has_noticed() -> None:
    with another_process() as (process, owner_id):
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie
        assert is_dead(owner_id)


def test_a_process_that_has_the_id_of_an_ended_one_is_not_taken_for_it() -> None:
    machine, pid, started, number = new_owner_id().split(".")
    assert is_dead(f"{machine}.{pid}.{int(started) - 1}.{number}")


def test_of_other_machines_nothing_can_be_told() -> None:
    _, pid, started, number = new_owner_id().split(".")
    assert not is_dead(f"01234567.{pid}.{int(started) - 1}.{number}")


@pytest.mark.parametrize(
    "garbage", ["", "somebody", "MACHINE", "MACHINE.1.2", "MACHINE.one.2.3", "MACHINE.1.-2.3", "MACHINE.1.2.3.4"]
)
def test_what_is_no_id_of_ours_is_left_alone(garbage: str) -> None:
    assert not is_dead(garbage.replace("MACHINE", new_owner_id().split(".")[0]))
