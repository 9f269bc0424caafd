"""What is wrong with a recording file, and what it is: versions, sizes, states. Nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import duckdb

from otelstream.errors import RecordingError
from recorder import wal
from recorder.checkup import Checkup, Comparison, Level, Problem
from recorder.commits import Connect
from recorder.connecting import connecting
from recorder.faults import sentence_for
from recorder.listing import Key, keys_of, sessions_of
from recorder.locks import is_being_written
from recorder.names import WALS, is_text, real_path
from recorder.sandbox import Sandbox
from recorder.schema import FORMAT_VERSION
from recorder.source import Source
from recorder.tableaudit import table_problems, view_problems
from recorder.text.checkup import TextCheckup
from recorder.text.lines import TEXT_VERSION

_HEADER: Final = "SELECT format_version, otelstream_version, duckdb_version, created_at FROM header"
_STORAGE: Final = """
SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a file or a session.

    Attributes:
        level: `error`: damage. `warning`: not all that happened is there. `info`: neither.
        file: The file.
        session: Id of the session, None for the file itself.
        what: A clause that says what.
    """

    level: Level
    file: str
    session: str | None
    what: str


@dataclass(slots=True)
class Examination:
    """What a file is, and what was found.

    Attributes:
        file: The file.
        bytes: Its size.
        wal_bytes: The size of what DuckDB keeps beside it.
        live: Whether it is being written.
        is_readable: Whether it could be read to its end.
        form: Whether it is a database or text.
        format: Its format, or the version of its text form; None if it is no recording.
        otelstream_version: What made it.
        duckdb_version: The version of DuckDB that made it.
        storage_version: The versions of DuckDB that read it.
        created_at: Naive UTC.
        sessions: How many sessions it has, by state.
        frames: How many frames were looked at.
        vouched: How many of them the hash chain vouches for.
        findings: What was found.
    """

    file: Path
    bytes: int = 0
    wal_bytes: int = 0
    live: bool = False
    is_readable: bool = True
    form: Literal["database", "text"] = "database"
    format: int | None = None
    otelstream_version: str | None = None
    duckdb_version: str | None = None
    storage_version: str | None = None
    created_at: datetime | None = None
    sessions: Counter[str] = field(default_factory=Counter)
    frames: int = 0
    vouched: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether there is no damage."""
        return not any(finding.level == "error" for finding in self.findings)

    def found(self, level: Level, what: str, session: str | None = None) -> None:
        """Take note of something."""
        self.findings.append(Finding(level, str(self.file), session, what))


def examine(file: Path, compare: Callable[[], Comparison] | None = None) -> Examination:
    """Examine a recording file. Damage is a finding, also where nothing can be read at all.

    Args:
        file: The file; it is only read.
        compare: Makes what compares the spans of a session with its frames; None leaves that out.
    """
    found = Examination(file)
    try:
        found.live = is_being_written(file)
        found.bytes = file.stat().st_size
        if is_text(file):
            _examine_text(found)
            return found
        _examine_wal(found)
        with closing(Sandbox([real_path(file)])) as sandbox:
            _examine_file(Source(file, sandbox), sandbox, found, compare)
    except OSError as error:
        _unreadable(found, sentence_for(file, error))
    except RecordingError as error:
        _unreadable(found, str(error))
    return found


def _examine_text(found: Examination) -> None:
    checkup = TextCheckup(found.file)
    for problem in checkup.problems():
        found.found(problem.level, problem.what)
    found.form, found.format = "text", TEXT_VERSION
    for session in checkup.index.sessions:
        unfinished = "recording" if found.live else "crashed"
        found.sessions[unfinished if session.end is None else session.end.state] += 1
        found.frames += session.frames
        found.otelstream_version = session.start.otelstream_version
        for problem in checkup.of_session(session, live=found.live):
            found.found(problem.level, problem.what, str(session.start.session_id))


def _examine_wal(found: Examination) -> None:
    real = real_path(found.file)
    for path in (path for end in WALS if (path := Path(f"{real}{end}")).exists()):
        found.wal_bytes += path.stat().st_size
        if found.live:
            continue
        log = wal.examine(path)
        found.found(
            "warning", f"a WAL of {log.size} bytes with {log.commits} commits is beside it ({path.name})"
        )
        for start, end in log.lost:
            found.found("error", f"the WAL is damaged from byte {start} to {end}")
        for start in log.mended:
            found.found("error", f"the WAL is damaged at byte {start}, and can be mended")
        if log.iteration is None:
            found.found("error", f"the first {log.beginning} bytes of the WAL are damaged")
        if log.unfinished:
            found.found("warning", f"the WAL ends in {log.unfinished} bytes of a commit that is not whole")


def _examine_file(
    source: Source, sandbox: Sandbox, found: Examination, compare: Callable[[], Comparison] | None
) -> None:
    with source.connection() as connection:
        row = connection.execute(_HEADER).fetchone() or (None, None, None, None)
        found.format, found.otelstream_version, found.duckdb_version, found.created_at = row
        found.storage_version = (connection.execute(_STORAGE).fetchone() or (None,))[0]
        keys = sorted(keys_of(connection, found.file), key=lambda key: (key.started_at, key.number))
        problems = list(table_problems(connection))
    _examine_original(sandbox, found, problems)
    for problem in problems:
        found.found(problem.level, problem.what)
    with connecting(source) as connect:
        for key in keys:
            _examine_session(connect, key, found, compare)


def _examine_session(
    connect: Connect, key: Key, found: Examination, compare: Callable[[], Comparison] | None
) -> None:
    try:
        with connect() as connection:
            (session, *_) = sessions_of(connection, found.file, live=found.live, number=key.number)
        comparison = None if compare is None else compare()
        checkup = Checkup(connect, session, found.format or FORMAT_VERSION, comparison)
        for problem in checkup.problems():
            found.found(problem.level, problem.what, session.id)
        found.sessions[session.state] += 1
        found.frames += checkup.frames
        found.vouched += checkup.vouched
    except duckdb.Error as error:
        _unreadable(found, sentence_for(found.file, error), str(key.session_id))
    except RecordingError as error:
        _unreadable(found, str(error), str(key.session_id))


def _examine_original(sandbox: Sandbox, found: Examination, problems: list[Problem]) -> None:
    """Look at the file itself: an older one is read from a copy in the current format."""
    with suppress(duckdb.Error), sandbox.attached(real_path(found.file)) as connection:
        (found.format,) = connection.execute("SELECT format_version FROM header").fetchone() or (None,)
        found.storage_version = (connection.execute(_STORAGE).fetchone() or (None,))[0]
        if found.format == FORMAT_VERSION:
            problems += view_problems(connection)


def _unreadable(found: Examination, why: str, session: str | None = None) -> None:
    found.is_readable = False
    found.found("error", why, session)
