"""Full files make place for new ones, and a run keeps what the run before it wrote."""

from __future__ import annotations

from pathlib import Path

from thunderagent.adapters.tracking.files import ProfileFiles
from thunderagent.adapters.tracking.rows import KINDS
from thunderagent.runtime import StepProfile

KIND = KINDS[StepProfile]


def files(folder: Path, max_bytes: int = 100, keep: int = 2) -> ProfileFiles:
    return ProfileFiles(folder, KIND, max_bytes, keep)


def found(folder: Path, end: str = ".jsonl") -> dict[str, bytes]:
    return {path.name.removesuffix(end): path.read_bytes().removeprefix(KIND.header) for path in folder.glob(f"*{end}")}


def test_a_full_file_becomes_older_and_so_many_older_ones_stay(tmp_path: Path) -> None:
    writing = files(tmp_path)
    for number in range(5):
        writing.append(b"%d" % number * 60, b"row %d" % number)
    writing.close()
    assert {name: data[:1] for name, data in found(tmp_path).items()} == {"profile": b"4", "profile.1": b"3", "profile.2": b"2"}
    assert found(tmp_path, ".csv") == {"profile": b"row 4", "profile.1": b"row 3", "profile.2": b"row 2"}


def test_a_file_is_filled_up_to_its_last_byte_and_one_chunk_may_be_larger(tmp_path: Path) -> None:
    writing = files(tmp_path)
    for data in (b"a" * 50, b"b" * 50, b"c" * 300, b"d"):
        writing.append(data, b"")
    writing.close()
    assert {name: len(data) for name, data in found(tmp_path).items()} == {"profile.2": 100, "profile.1": 300, "profile": 1}


def test_without_older_files_the_new_one_takes_its_place(tmp_path: Path) -> None:
    writing = files(tmp_path, keep=0)
    for data in (b"a" * 90, b"b" * 90):
        writing.append(data, b"")
    writing.close()
    assert found(tmp_path) == {"profile": b"b" * 90}


def test_the_files_of_the_run_before_become_older_unless_they_are_empty(tmp_path: Path) -> None:
    for data in (b"first", b"", b"second", b""):
        run = files(tmp_path)
        run.begin()
        if data:
            run.append(data, b"row")
        run.close()
        run.close()
    assert found(tmp_path) == {"profile": b"", "profile.1": b"second", "profile.2": b"first"}
    assert (tmp_path / "profile.csv").read_bytes() == KIND.header
