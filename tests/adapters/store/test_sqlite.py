"""A store in a file: what was written comes back, and what cannot be used is refused in words."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderagent.adapters.store import MemoryStore, SqliteStore, open_store
from thunderagent.adapters.store.rows import from_row, is_row, to_row
from thunderagent.adapters.store.sqlite import APPLICATION, VERSION
from thunderagent.adapters.tools.owner import is_dead
from thunderagent.core import ProgramRecovered
from thunderagent.errors import StoreError
from thunderagent.runtime.store import Changes, Kept

PROGRAM = ProgramRecovered(
    *("train/5_0", 7, "train/5", 800, "train", -1, "system", 500, 800),
    *(4_000, 3_900, 15_000, 2, "http://gpu1:8000#1", True, "bash", 2.5),
)


def kept(program_id: str = "p", **more: Any) -> Kept:
    return Kept(replace(PROGRAM, program_id=program_id, **more), 3, 10.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def refusal(path: Path) -> str:
    with pytest.raises(StoreError) as refused:
        SqliteStore(path)
    return str(refused.value)


def test_what_was_written_is_there_when_it_is_opened_again(path: Path) -> None:
    store = open_store(str(path))
    store.write(Changes([kept("late", birth=9), kept("p"), kept("over")], statistics={"time_s": 10.0, "tools": {"bash": [1]}}))
    store.write(Changes([kept("p", context_tokens=5)], over=["over", "never there"]))
    store.close()
    store.close()
    found = open_store(str(path)).load()
    assert found.programs == [kept("p", context_tokens=5), kept("late", birth=9)]
    assert found.statistics == {"time_s": 10.0, "tools": {"bash": [1]}}
    assert found.unreadable == 0


@pytest.mark.parametrize("in_file", [True, False])
def test_tool_calls_are_as_old_as_they_were_when_the_scheduler_was_last_seen(path: Path, in_file: bool) -> None:
    store = SqliteStore(path) if in_file else MemoryStore()
    store.write(Changes([kept("old"), kept("running", acting_s=None)], statistics={"time_s": 70.0}))
    store.write(Changes([Kept(replace(PROGRAM, program_id="after it"), 3, 71.0)]))
    found = store.load()
    assert found.time_s == 71.0
    ages = {one.program.program_id: one.program.acting_s for one in found.programs}
    assert ages == {"old": 63.5, "running": None, "after it": 2.5}
    store.write(Changes(over=["old", "running", "after it"]))
    assert store.load().programs == []
    store.close()


@given(
    st.builds(
        ProgramRecovered,
        program_id=st.text(min_size=1).filter(lambda text: text.isprintable()),
        birth=st.integers(0, 2**40),
        priority=st.integers(-5, 5),
        context_tokens=st.integers(0, 2**62),
        backend_id=st.none() | st.just("http://a"),
        held=st.booleans(),
        acting_s=st.none() | st.floats(0, 1e9),
    )
)
def test_every_program_is_the_same_as_a_row(program: ProgramRecovered) -> None:
    row = to_row(Kept(program, 1, 2.0))
    assert is_row(row)
    assert from_row(row, 2.0) == Kept(program, 1, 2.0)


def test_rows_that_cannot_be_are_left_out_and_counted(path: Path) -> None:
    store = SqliteStore(path)
    store.write(Changes([kept(str(number)) for number in range(4)]))
    edited = sqlite3.connect(path)
    for number, change in enumerate(("context_tokens = 'many'", "program_id = ''", "birth = NULL")):
        edited.execute(f"UPDATE programs SET {change} WHERE program_id = '{number}'")
    edited.execute("INSERT INTO statistics VALUES ('all', '{not json')")
    edited.commit()
    edited.close()
    found = store.load()
    assert [one.program.program_id for one in found.programs] == ["3"]
    assert found.unreadable == 3
    assert found.statistics == {}
    store.close()


def test_numbers_and_names_that_no_file_takes_keep_nobody_else_out(path: Path) -> None:
    store = SqliteStore(path)
    store.write(Changes([kept("huge", context_tokens=2**70), kept("half \ud800"), kept("p")], over=["half \ud800"]))
    assert [one.program.program_id for one in store.load().programs] == ["p"]
    store.close()


def test_a_second_scheduler_is_told_who_has_it_and_may_have_it_afterwards(path: Path) -> None:
    first = SqliteStore(path)
    told = refusal(path)
    assert f"process {os.getpid()}, since 20" in told
    assert "end that one first" in told
    first.close()
    SqliteStore(path).close()


def test_the_lock_goes_with_its_process_however_that_ends(path: Path) -> None:
    code = (
        f"from thunderagent.adapters.store import open_store; store = open_store({str(path)!r});"
        "print('open', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        assert f"process {other.pid}, since" in refusal(path)
        other.kill()
    SqliteStore(path).close()


def test_what_was_written_outlives_sigkill(path: Path) -> None:
    code = (
        "from thunderagent.adapters.store import open_store; from thunderagent.core import ProgramRecovered;"
        "from thunderagent.runtime.store import Changes, Kept;"
        f"store = open_store({str(path)!r}); store.write(Changes([Kept(ProgramRecovered('p'), 1, 2.0)]));"
        "print('written', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"written\n"
        other.kill()
    store = SqliteStore(path)
    assert [one.program.program_id for one in store.load().programs] == ["p"]
    store.close()


def test_a_file_that_is_no_store_is_refused_and_stays_as_it_is(path: Path) -> None:
    path.write_bytes(b"my dear diary " * 200)
    told = refusal(path)
    assert "damaged, or no store" in told
    assert "move it away" in told
    assert path.read_bytes() == b"my dear diary " * 200
    path.write_bytes(b"")  # whoever was refused keeps no lock
    SqliteStore(path).close()


def test_a_damaged_file_is_refused(path: Path) -> None:
    store = SqliteStore(path)
    store.write(Changes([kept(str(number)) for number in range(500)]))
    store.close()
    content = bytearray(path.read_bytes())
    content[4096 : 3 * 4096] = os.urandom(2 * 4096)
    path.write_bytes(bytes(content))
    assert "damaged" in refusal(path)


def test_another_programs_database_and_one_of_a_later_version_are_refused(path: Path, tmp_path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE recipes (name)")
    other.close()
    assert "another program's database" in refusal(path)
    later = sqlite3.connect(tmp_path / "later.db")
    later.execute("CREATE TABLE programs (name)")
    later.execute(f"PRAGMA application_id = {APPLICATION}")
    later.execute(f"PRAGMA user_version = {VERSION + 1}")
    later.close()
    assert f"format {VERSION + 1}, this one knows {VERSION}" in refusal(tmp_path / "later.db")


def test_a_file_that_somebody_holds_locked_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thunderagent.adapters.store.sqlite.BUSY_S", 0.01)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert "locked by another program" in refusal(path)
    holder.close()


def test_places_where_no_file_can_be_are_refused(path: Path, tmp_path: Path) -> None:
    assert "its folder does not exist" in refusal(tmp_path / "nowhere" / "state.db")
    (tmp_path / "folder").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder")
    (tmp_path / "state.db.lock").mkdir()
    assert "cannot be written" in refusal(path)


def test_a_full_disk_fails_the_write_and_nothing_of_it_is_there(path: Path) -> None:
    store = SqliteStore(path)
    store.write(Changes([kept("before")]))
    assert store._db is not None
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        store.write(Changes([kept(f"p{number}") for number in range(2_000)], over=["before"]))
    assert [one.program.program_id for one in store.load().programs] == ["before"]
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.write(Changes([kept("after")]))
    assert len(store.load().programs) == 2
    store.close()


def test_a_file_that_vanishes_is_told_of_and_begun_anew(path: Path) -> None:
    store = SqliteStore(path)
    store.write(Changes([kept("before")]))
    path.unlink()
    with pytest.raises(StoreError, match="is gone"):
        store.write(Changes([kept("lost")]))
    store.write(Changes([kept("after")]))
    assert [one.program.program_id for one in store.load().programs] == ["after"]
    store.close()


def test_a_folder_that_vanishes_fails_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    store = SqliteStore(folder / "state.db")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    for _ in range(2):
        with pytest.raises(StoreError):
            store.write(Changes([kept()]))
    folder.mkdir()
    store.write(Changes([kept()]))
    assert len(store.load().programs) == 1
    store.close()


LEASES = {"sandboxes": [{"id": "a"}], "ports": [20_000]}


@pytest.mark.parametrize("in_file", [True, False])
def test_what_programs_have_of_tools_is_there_until_it_is_over(path: Path, in_file: bool) -> None:
    store = SqliteStore(path) if in_file else MemoryStore()
    store.write(
        Changes(leases={"p": LEASES, "q": {"ports": [1]}, "half \ud800": LEASES} if in_file else {"p": LEASES, "q": LEASES})
    )
    store.write(Changes(leases={"p": LEASES, "q": {}, "never there": {}}))
    assert store.load().leases == {"p": LEASES}
    store.close()


def test_leases_that_cannot_be_read_are_told_as_nothing(path: Path) -> None:
    store = SqliteStore(path)
    store.write(Changes(leases={"p": LEASES}))
    edited = sqlite3.connect(path)
    edited.execute("UPDATE leases SET value = '{not json'")
    edited.commit()
    edited.close()
    assert store.load().leases == {"p": {}}
    store.close()


def test_a_store_is_the_same_owner_in_every_life_and_unlike_all_others(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path)
    first = store.owner_id
    store.close()
    path.rename(moved := tmp_path / "moved.db")
    store, other = SqliteStore(moved), SqliteStore(path)
    assert store.owner_id == first != other.owner_id
    assert not is_dead(first), "others cannot tell, and leave its sandboxes alone"
    assert MemoryStore().owner_id != MemoryStore().owner_id
    store.close()
    other.close()


def test_a_copy_has_the_programs_and_not_the_sandboxes(path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = SqliteStore(path)
    store.write(Changes([kept("p")], leases={"p": LEASES}))
    store.close()
    shutil.copy(path, tmp_path / "copy.db")
    copy = SqliteStore(tmp_path / "copy.db")
    assert copy.owner_id != store.owner_id
    assert [one.program.program_id for one in copy.load().programs] == ["p"]
    assert copy.load().leases == {}
    assert f"gc --owner {store.owner_id}" in caplog.text
    again = SqliteStore(path)
    assert (again.owner_id, again.load().leases) == (store.owner_id, {"p": LEASES})
    copy.close()
    again.close()


def test_a_file_that_is_begun_anew_goes_on_having_its_sandboxes(path: Path) -> None:
    store = SqliteStore(path)
    owner_id = store.owner_id
    path.unlink()
    with pytest.raises(StoreError, match="is gone"):
        store.write(Changes(leases={"p": LEASES}))
    store.write(Changes(leases={"p": LEASES}))
    store.close()
    again = SqliteStore(path)
    assert (again.owner_id, again.load().leases) == (owner_id, {"p": LEASES})
    again.close()


def test_a_store_of_the_version_without_leases_gets_them(path: Path) -> None:
    SqliteStore(path).close()
    old = sqlite3.connect(path)
    old.executescript("DROP TABLE leases; DELETE FROM statistics; PRAGMA user_version = 1;")
    old.close()
    store = SqliteStore(path)
    store.write(Changes([kept("p")], leases={"p": LEASES}))
    store.close()
    again = SqliteStore(path)
    assert (again.owner_id, again.load().leases) == (store.owner_id, {"p": LEASES})
    again.close()
