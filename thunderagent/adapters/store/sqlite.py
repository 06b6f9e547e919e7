"""A store in an SQLite file, with a write-ahead log.

What was written outlives the process (SIGKILL) at once. After a power cut, or a crash of the machine, the file is whole, and may
lack what was written since the log was last put into the file: nothing waits for the disk itself (``synchronous=NORMAL``).
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import uuid
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from thunderagent.adapters.store.lock import StoreLock
from thunderagent.adapters.store.rows import AT, COLUMNS, from_row, is_row, to_row
from thunderagent.errors import StoreError
from thunderagent.runtime.store import Changes, Kept, Remembered, last_time_s

logger = logging.getLogger(__name__)
VERSION = 2
"""Of the tables; a later one is refused. 1 had no leases."""
APPLICATION = 0x7468_756E
"""SQLite's mark for whose file it is: "thun"."""
BUSY_S = 2.0
"""For somebody who looks into the file to let go of it."""
_NAMES = ", ".join(f'"{column}"' for column in COLUMNS)
_TABLES = f"""
CREATE TABLE programs ({_NAMES}, PRIMARY KEY (program_id)) WITHOUT ROWID;
CREATE TABLE statistics (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
"""
_LEASES = f"""
CREATE TABLE leases (program_id TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
BLOCKS = (32, 4, 1)
"""Rows per statement. Each lets go of the interpreter's lock, and to get it back from a busy loop costs more than a row does.
SQLite's old limit is 999 values."""
_PUT = {
    rows: f"INSERT OR REPLACE INTO programs ({_NAMES}) VALUES {', '.join(['(' + ', '.join('?' * len(COLUMNS)) + ')'] * rows)}"
    for rows in BLOCKS
}
_ALL = f"SELECT {_NAMES} FROM programs"
_DROP = "DELETE FROM programs WHERE program_id IN (SELECT value FROM json_each(?))"
_PUT_STATISTICS = "INSERT OR REPLACE INTO statistics VALUES ('all', ?)"
_PUT_OWNER = "INSERT OR REPLACE INTO statistics VALUES ('owner', ?)"
_PUT_LEASES = "INSERT OR REPLACE INTO leases VALUES (?, ?)"
_DROP_LEASES = "DELETE FROM leases WHERE program_id = ?"


class SqliteStore:
    """Opened, locked and looked through when it is made."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            StoreError: in use, damaged, somebody else's, of a later version, or in a folder that cannot be written.
        """
        self._path = path.absolute()
        if not self._path.parent.is_dir():
            raise StoreError(f"{path} cannot be made: its folder does not exist")
        if self._path.is_dir():
            raise StoreError(f"{path} is a folder: name a file")
        self._lock = StoreLock(self._path)
        self._db: sqlite3.Connection | None = None
        self.owner_id = ""
        """Of sandboxes: the file's own. A copy of the file is another owner, which leaves those of the first alone."""
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise

    def load(self) -> Remembered:
        """
        Raises:
            StoreError: it is damaged.
        """
        db = self._connected()
        try:
            rows = db.execute(_ALL).fetchall()
            found = db.execute("SELECT value FROM statistics WHERE name = 'all'").fetchone()
            leases = db.execute("SELECT program_id, value FROM leases").fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        statistics = _read(found)
        readable = [row for row in rows if is_row(row)]
        time_s = last_time_s(statistics, (row[AT] for row in readable))
        kept = sorted((from_row(row, time_s) for row in readable), key=lambda one: one.program.birth)
        held = {name: _read((value,)) for name, value in leases}
        return Remembered(kept, statistics, time_s, len(rows) - len(kept), held)

    def write(self, changes: Changes) -> None:
        """
        Raises:
            StoreError: nothing of it was written.
        """
        if not self._is_there():
            self.disconnect()
            self._open()
            raise StoreError(f"{self._path} is gone: somebody removed it, and a new one was begun")
        db = self._connected()
        try:
            db.execute("BEGIN IMMEDIATE")
            self._put(db, changes.programs)
            if changes.over:
                db.execute(_DROP, (json.dumps(changes.over),))
            if changes.statistics is not None:
                db.execute(_PUT_STATISTICS, (json.dumps(changes.statistics),))
            for program_id, told in changes.leases.items():
                with contextlib.suppress(UnicodeError):  # half a character in a name
                    db.execute(*(_PUT_LEASES, (program_id, json.dumps(told))) if told else (_DROP_LEASES, (program_id,)))
            db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise StoreError(f"{self._path} cannot be written ({error})") from None

    @staticmethod
    def _put(db: sqlite3.Connection, programs: Sequence[Kept]) -> None:
        rows = [to_row(kept) for kept in programs]
        begin = 0
        for size in BLOCKS:
            while len(rows) - begin >= size:
                block = rows[begin : begin + size]
                begin += size
                try:
                    db.execute(_PUT[size], [*chain.from_iterable(block)])
                except (OverflowError, UnicodeError):  # a number of more than 64 bits, half a character in a name
                    for row in block:
                        with contextlib.suppress(OverflowError, UnicodeError):
                            db.execute(_PUT[1], row)

    def close(self) -> None:
        """May be called again."""
        self.disconnect()
        self._lock.release()

    def disconnect(self) -> None:
        """Close the file."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            self._open()
        assert self._db is not None, "it was opened"
        return self._db

    def _open(self) -> None:
        try:
            # One thread at a time has it: the executor's, or the loop's once that has ended.
            db = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            self._check_whose(db)
            file = self._path.stat()
            self._own(db, file.st_ino)
        except sqlite3.Error as error:
            db.close()
            raise self._unusable(error) from None
        except StoreError:
            db.close()
            raise
        self._db = db
        self._file = file.st_dev, file.st_ino

    def _check_whose(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables and not application:
            db.executescript(f"BEGIN; {_TABLES} {_LEASES} COMMIT;")
        elif application != APPLICATION:
            raise StoreError(f"{self._path} is another program's database: name a file of its own for the scheduler")
        elif version > VERSION:
            raise StoreError(
                f"{self._path} was written by a later version of thunderagent (format {version}, this one knows {VERSION}): "
                "start that version, or begin with another file"
            )
        elif (problem := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise self._unusable(problem)
        elif version < VERSION:
            db.executescript(f"BEGIN; {_LEASES} COMMIT;")

    def _own(self, db: sqlite3.Connection, inode: int) -> None:
        """Sandboxes are those of this very file: whoever copies it has none of them."""
        told = _read(db.execute("SELECT value FROM statistics WHERE name = 'owner'").fetchone())
        if told.get("file") == inode and isinstance(told.get("id"), str) and self.owner_id in ("", told["id"]):
            self.owner_id = told["id"]
            return
        self.owner_id = self.owner_id or f"store-{uuid.uuid4().hex[:12]}"
        owner = json.dumps({"id": self.owner_id, "file": inode})
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM leases")
        db.execute(_PUT_OWNER, (owner,))
        db.execute("COMMIT")
        if "id" in told:
            logger.warning(
                "%s is a copy: its programs ask for new sandboxes; `thunderagent tools gc --owner %s` removes the old ones",
                *(self._path, told["id"]),
            )

    def _is_there(self) -> bool:
        if self._db is None:
            return True  # it is about to be opened
        try:
            file = self._path.stat()
        except OSError:
            return False
        return (file.st_dev, file.st_ino) == self._file

    def _unusable(self, problem: object) -> StoreError:
        if "locked" in str(problem):
            return StoreError(f"{self._path} is locked by another program that has it open: end that one first")
        if "malformed" in str(problem) or "not a database" in str(problem) or isinstance(problem, str):
            advice = "move it away, and programs begin anew; `sqlite3 FILE .recover` may still read it"
            return StoreError(f"{self._path} is damaged, or no store ({problem}): {advice}")
        return StoreError(f"{self._path} cannot be used ({problem}): is its folder writable, and on a local disk?")


def _read(found: Any) -> dict[str, Any]:
    """Nothing, where it is not what was written."""
    try:
        value = json.loads(found[0])
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
