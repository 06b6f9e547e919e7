"""Lines of profiles, whatever is in the file."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

pytest.importorskip("msgspec")
pytest.importorskip("numpy")

from tests.study.recorded.runs import step, write
from thunderagent.errors import ProfileError
from thunderagent.runtime import StepProfile
from thunderagent.runtime.tools.profile import SandboxProfile
from thunderagent.study.recorded import lines as module
from thunderagent.study.recorded.lines import ProfileLines, SandboxLine, StepLine


def read(path: Path) -> tuple[list[StepLine], list[str]]:
    lines = ProfileLines(path, StepLine)
    return [line for chunk in lines for line in chunk], lines.told()


def test_every_line_is_read_across_the_ends_of_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 100)
    path = write(tmp_path / "profile.jsonl", *(step("a", number) for number in range(1, 8)))

    found, told = read(path)

    assert [line.step_id for line in found] == [1, 2, 3, 4, 5, 6, 7]
    assert told == []


def test_a_file_that_was_compressed_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "profile.jsonl", step(), step("b"))
    path.write_bytes(gzip.compress(path.read_bytes()))

    assert [line.program_id for line in read(path)[0]] == ["a", "b"]


def test_progress_ends_with_the_size_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 10_000)
    path = write(tmp_path / "profile.jsonl", *(step("a", number) for number in range(200)))
    told: list[int] = []

    list(ProfileLines(path, StepLine, told.append))

    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


@pytest.mark.parametrize(
    "broken",
    [
        b'{"program_id": "a", "step',
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"null",
        json.dumps(step() | {"step_id": "first"}).encode(),
        json.dumps(step() | {"pause_s": float("nan")}).encode(),
        json.dumps(step() | {"completed_at": 1e300}).encode(),
        json.dumps(step() | {"prompt_tokens": -1}).encode(),
    ],
)
def test_a_broken_line_is_counted_and_the_others_are_read(tmp_path: Path, broken: bytes) -> None:
    path = write(tmp_path / "profile.jsonl", step())
    path.write_bytes(path.read_bytes() + broken + b"\n\n" + json.dumps(step("b")).encode())

    found, told = read(path)

    assert [line.program_id for line in found] == ["a", "b"]
    (note,) = told
    assert note.startswith("profile.jsonl: 1 line is broken and left out; the first: line 2: ")


def test_a_line_without_an_end_is_not_gathered_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 1_000)
    monkeypatch.setattr(module, "LONGEST_LINE_BYTES", 2_000)
    path = tmp_path / "profile.jsonl"
    path.write_bytes(b"x" * 50_000 + b"\n" + json.dumps(step()).encode() + b"\n")

    chunks = list(ProfileLines(path, StepLine)._chunks())
    found, told = read(path)

    assert max(map(len, chunks)) < 5_000
    assert len(found) == 1
    assert "1 line is broken" in told[0]


def test_a_compressed_file_that_ends_midway_is_read_until_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 1_000)
    path = tmp_path / "profile.jsonl.gz"
    text = "".join(json.dumps(step(os.urandom(40).hex())) + "\n" for _ in range(2_000)).encode()
    packed = gzip.compress(text)
    path.write_bytes(packed[: len(packed) // 2])

    found, told = read(path)

    assert 100 < len(found) < 2_000
    assert "the compressed file is damaged" in told[0]


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "profile.jsonl", step(schema=1), step(schema=2))
    assert len(read(path)[0]) == 2, "only the first line of a chunk is looked at"

    with pytest.raises(ProfileError, match="has schema 2, but this thunderagent reads profiles up to 1: update it"):
        read(write(path, step(schema=2)))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none\.jsonl cannot be read: No such file"):
        read(tmp_path / "none.jsonl")


def test_all_that_is_read_is_what_runs_write() -> None:
    assert set(StepLine.__struct_fields__) <= set(StepProfile.__dataclass_fields__)
    assert set(SandboxLine.__struct_fields__) <= set(SandboxProfile.__dataclass_fields__)
