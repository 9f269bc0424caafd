"""A damaged recording taken apart: what can still be read of a copy of it, in databases that are sound.

Nothing is ever written to the recording itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from otelstream.errors import RecordingError
from recorder import blocks, wal
from recorder.blocks import Blocks
from recorder.copies import Copy
from recorder.creation import quoted
from recorder.extraction import extract
from recorder.faults import sentence_for
from recorder.locks import is_being_written
from recorder.migrate import migrated
from recorder.names import WALS, real_path
from recorder.schema import FORMAT_VERSION, STORAGE, statements
from recorder.starting import connect
from recorder.trial import find_right
from recorder.wal import Log

_FRAME_TABLES: Final = {"frames": 1, "stored_frames": 2}
"""The table of frames, by which a format is known if its header is lost."""


@dataclass(slots=True)
class Wreck:
    """What is left of a recording, in the current format.

    Attributes:
        file: The recording.
        trusted: A database of rows whose checksums fit; None if there are none.
        doubtful: A database of rows that may be wrong, if not all could be trusted: only what the hash chain
            vouches for may be used.
        unreadable: How many rows of each table are in neither `trusted` nor, without that, `doubtful`.
        notes: What was found wrong and where, and what was done about it.
        cut: Whether commits are missing of which it is not known what they held.
        unfinished: Whether its WAL ends within a commit.
    """

    file: Path
    trusted: Path | None = None
    doubtful: Path | None = None
    unreadable: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    cut: bool = False
    unfinished: bool = False


def take_apart(file: Path, folder: Path) -> Wreck:
    """Take a recording apart.

    Args:
        file: The recording; it is only read.
        folder: An empty folder for what is left of it.

    Raises:
        RecordingError: It is missing, being written, no recording, or nothing of it can be read.
    """
    return _Dismantling(file, folder).run()


class _Dismantling:
    """One recording that is being taken apart."""

    def __init__(self, file: Path, folder: Path) -> None:
        self._folder = folder
        self._wreck = Wreck(file)
        self._copy = _copied(file, folder)
        self._wal = Path(f"{self._copy}.wal")
        self._log = folder / "original.wal"
        self._why = ""

    def run(self) -> Wreck:
        log = wal.examine(self._wal) if self._wal.exists() and self._wal.stat().st_size else None
        found = blocks.mend(self._copy)
        if found is not None:
            if 0 in found.damaged:
                self._replace_header(found, log)
            self._tell(found)
            if log is not None:
                log = self._mend_wal(log, found)
            self._try_out(found, log)
            self._read(found, log)
        if self._wreck.trusted is None and log is not None and log.commits:
            self._read_wal_alone(log)
        wreck = self._wreck
        if wreck.trusted is None and wreck.doubtful is None:
            why = "; ".join((*wreck.notes, self._why or "it is no DuckDB file, so no recording"))
            raise RecordingError(f"{wreck.file} cannot be recovered: {why}.")
        return wreck

    def _tell(self, found: Blocks) -> None:
        notes = self._wreck.notes
        if found.missing:
            notes.append(f"the last {found.missing} bytes of the file are missing")
        for what, where in (("mended, as their checksums tell", found.mended), ("damaged", found.damaged)):
            if where:
                notes.append(f"{_blocks(where)} {what}")

    def _replace_header(self, found: Blocks, log: Log | None) -> None:
        """Give the file the first header of a new one: but for the identifier they are alike."""
        header = self._new_file(FORMAT_VERSION).read_bytes()[: blocks.HEADER_BYTES]
        identifier = b"" if log is None else log.identifier
        blocks.give_header(self._copy, header, identifier)
        found.identifier = identifier or header[blocks.IDENTIFIER]
        found.damaged.remove(0)
        self._wreck.notes.append(
            f"the first {blocks.HEADER_BYTES} bytes of the file were damaged, and made anew"
        )

    def _mend_wal(self, log: Log, found: Blocks) -> Log | None:
        """Make the log one that DuckDB reads; return what it held, None if it is not this file's."""
        notes, last = self._wreck.notes, found.states[0]
        if log.identifier and log.identifier != found.identifier:
            notes.append(f"the WAL of {log.size} bytes belongs to another file; it was left out")
            self._wal.unlink()
            return None
        if log.mended:
            notes.append(f"the WAL was mended at byte {_listed(log.mended)}, as its checksums tell")
        for start, end in log.lost:
            notes.append(f"the WAL is damaged from byte {start} to {end}; the commits in between are lost")
        if log.unfinished:
            self._wreck.unfinished = True
            start = log.size - log.unfinished
            notes.append(f"the WAL ends in a commit that is not whole, from byte {start} to {log.size}")
        if log.iteration is None:
            notes.append(f"the first {log.beginning} bytes of the WAL were damaged, and made anew")
        shutil.copyfile(self._wal, self._log)
        self._wreck.cut = bool(log.lost)
        iteration = last.iteration if log.iteration is None else log.iteration
        if iteration == last.iteration + 1:  # only where the header of that checkpoint is lost
            notes.append("the file's last checkpoint is lost; it is read as it was before")
            self._wreck.cut, iteration = True, last.iteration
        log.iteration = iteration
        wal.rewrite(self._wal, found.identifier, iteration)
        return log

    def _try_out(self, found: Blocks, log: Log | None) -> None:
        """Mend what alone is damaged in the one way of many that the hash chain vouches for."""
        damaged = [at for at in found.damaged if at >= blocks.FIRST_BLOCK]
        lost = [] if log is None else log.lost
        if len(damaged) == 1 and not lost:
            (at,) = damaged
            ways = blocks.alternatives(self._copy, at, found)
            before = self._copy.read_bytes()[at : at + found.block_bytes]
            if self._is_mended(
                ways, lambda way: blocks.write(self._copy, at, way), f"the block at byte {at}"
            ):
                found.damaged.remove(at)
            else:
                blocks.write(self._copy, at, before)
        elif log is not None and len(lost) == 1 and not damaged:
            for start, ways in wal.alternatives(self._log).items():
                if self._is_mended(
                    ways, partial(self._rewrite_wal, found, log, start), f"byte {start} of the WAL"
                ):
                    self._wreck.cut = False
                    return
            self._rewrite_wal(found, log)

    def _rewrite_wal(self, found: Blocks, log: Log, start: int = -1, entry: bytes = b"") -> None:
        shutil.copyfile(self._log, self._wal)
        instead = {start: entry} if entry else {}
        wal.rewrite(self._wal, found.identifier, log.iteration or 0, instead)

    def _is_mended(self, ways: list[bytes], apply: Callable[[bytes], None], what: str) -> bool:
        if find_right(ways, apply, self._copy, self._folder) is None:
            return False
        self._wreck.notes.append(
            f"{what} was mended: of {len(ways)} ways in which its checksum fits, the hash chain vouches"
            " for one"
        )
        return True

    def _read(self, found: Blocks, log: Log | None) -> None:
        """Read the file: what can be trusted, and if that is not all, what may be wrong."""
        sound = self._folder / "trusted.duckdb"
        self._why = extract(self._copy, sound) or ""
        if self._why and log is not None:
            self._read_without_wal(sound, log)
        is_whole = False
        if not self._why:
            is_whole = not self._unreadable(sound)
            self._wreck.trusted = self._current(sound)
        if not is_whole:
            self._read_doubtful(found, log)

    def _read_without_wal(self, sound: Path, log: Log) -> None:
        aside = self._wal.rename(self._folder / "aside.wal")
        if extract(self._copy, sound) is None and self._is_recording(sound):
            self._wreck.notes.append(
                f"the WAL of {log.size} bytes with {log.commits} commits cannot be used: {self._why}"
            )
            self._wreck.cut, self._why = True, ""
        else:
            aside.rename(self._wal)

    def _unreadable(self, sound: Path) -> bool:
        """Tell what could not be read; return whether there was anything."""
        query = (
            "SELECT table_name, sum(until - first)::BIGINT, min(why) FROM unreadable"
            " GROUP BY table_name ORDER BY table_name"
        )
        with closing(connect(sound, read_only=True)) as connection:
            rows = connection.execute(query).fetchall()
        for table, count, why in rows:
            self._wreck.notes.append(f"{count} rows of {table} cannot be read as they are: {why}")
        self._count_unreadable(sound)
        return bool(rows)

    def _count_unreadable(self, sound: Path) -> None:
        query = "SELECT table_name, sum(until - first)::BIGINT FROM unreadable GROUP BY table_name"
        with closing(connect(sound, read_only=True)) as connection:
            found = dict(connection.execute(query).fetchall())
        if "frames" in found:  # of format 1
            found["stored_frames"] = found.pop("frames")
        self._wreck.unreadable = found

    def _read_doubtful(self, found: Blocks, log: Log | None) -> None:
        """Read the file although checksums say that it is damaged; if need be, as it was a checkpoint ago."""
        sound = self._folder / "doubtful.duckdb"
        blocks.seal(self._copy, found)
        if extract(self._copy, sound) is None and self._is_recording(sound):
            self._take_doubtful(sound)
        elif self._why and blocks.go_back(self._copy, found):
            if log is not None:
                wal.rewrite(self._wal, found.identifier, found.states[1].iteration)
            if extract(self._copy, sound) is None and self._is_recording(sound):
                self._wreck.notes.append("it is read as it was before its last checkpoint")
                self._take_doubtful(sound)
                self._wreck.cut = True

    def _take_doubtful(self, sound: Path) -> None:
        if self._wreck.trusted is None:
            self._count_unreadable(sound)
        self._wreck.doubtful = self._current(sound)

    def _read_wal_alone(self, log: Log) -> None:
        """Read what the log holds, as if it were that of a new file."""
        data = self._wal.read_bytes()
        new = self._new_file(2 if b"stored_frames" in data else 1)
        made = blocks.mend(new)
        if made is None:
            return
        Path(f"{new}.wal").write_bytes(data)
        wal.rewrite(Path(f"{new}.wal"), made.identifier, made.states[0].iteration)
        sound = self._folder / "log.duckdb"
        if extract(new, sound) is None:
            self._wreck.notes.append(f"nothing but the {log.commits} commits in the WAL can be trusted")
            self._count_unreadable(sound)
            self._wreck.trusted, self._wreck.cut = self._current(sound), True

    def _new_file(self, version: int) -> Path:
        """Return an empty recording of a format."""
        path = self._folder / "new.duckdb"
        path.unlink(missing_ok=True)
        with closing(connect()) as connection:
            connection.execute(f"ATTACH {quoted(path)} AS new ({STORAGE}); USE new")
            connection.execute(statements(f"{version:04}"))
            connection.execute("CHECKPOINT new; USE memory; DETACH new")
        return path

    def _is_recording(self, sound: Path) -> bool:
        try:
            _format_of(sound, self._wreck.file)
        except RecordingError as error:
            self._why = self._why or str(error)
            return False
        return True

    def _current(self, sound: Path) -> Path:
        """Return a database in the current format with the rows of one that may have an older one."""
        version = _format_of(sound, self._wreck.file)
        if version == FORMAT_VERSION:
            return sound
        with migrated(sound, version, self._folder, "READ_ONLY") as made:
            return made.rename(sound.with_suffix(".current.duckdb"))


def _copied(file: Path, folder: Path) -> Path:
    try:
        if is_being_written(file):
            raise RecordingError(f"{file} is being written; recover it when its process has ended.")
        original = real_path(file)
        wals = [Path(f"{original}{end}") for end in WALS]
        if not original.stat().st_size and not any(each.exists() for each in wals):
            raise RecordingError(f"{file} cannot be recovered: it holds nothing, not one byte.")
        copy = Copy(original, folder / "copy")
        copy.renew()
    except OSError as error:
        raise RecordingError(sentence_for(file, error)) from None
    return copy.path


def _format_of(sound: Path, file: Path) -> int:
    with closing(connect(sound)) as connection:
        names = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        known = [version for table, version in _FRAME_TABLES.items() if table in names]
        if not known or "header" not in names:
            raise RecordingError(
                f"{file} is a DuckDB database but no otelstream recording; choose another file."
            )
        row = connection.execute("SELECT max(format_version) FROM header").fetchone() or (None,)
        version = known[0] if row[0] is None else int(row[0])
        if version > FORMAT_VERSION:
            raise RecordingError(
                f"{file} has recording format {version}, newer than the {FORMAT_VERSION} that this version"
                " reads; upgrade otelstream."
            )
        if row[0] is None:
            connection.execute("INSERT INTO header (format_version) VALUES (?)", [version])
    return version


def _blocks(where: list[int]) -> str:
    plural = "s" if len(where) > 1 else ""
    return f"the block{plural} at byte {_listed(where)}" + (" are" if plural else " is")


def _listed(numbers: list[int]) -> str:
    some = ", ".join(map(str, numbers[:5]))
    return some if len(numbers) <= 5 else f"{some} and {len(numbers) - 5} more"
