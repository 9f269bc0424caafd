"""Many recordings as one database: every table and view of theirs, over all files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from otelstream.errors import RecordingError
from recorder.creation import NO_EXTENSIONS, quoted
from recorder.database import alone, close_after_reading, open_for_reading
from recorder.faults import is_damage, sentence_for
from recorder.forms import FileSource
from recorder.listing import Key, in_order

_RELATIONS: Final = """
SELECT database_name, table_name, list(column_name) FROM duckdb_columns()
WHERE schema_name = 'main' AND starts_with(database_name, 'recording_') AND NOT internal
GROUP BY ALL ORDER BY ALL
"""


@dataclass(slots=True)
class _Member:
    """One of the files, attached.

    Attributes:
        source: The file.
        hidden: Sessions that another file holds as well, and more completely.
    """

    source: FileSource
    hidden: list[Key] = field(default_factory=list)


@contextmanager
def union(
    path: Path, sources: Sequence[FileSource], keys: Sequence[Key], skipped: dict[Path, str]
) -> Iterator[DuckDBPyConnection]:
    """Give a connection in which the tables and views of all sources are views over all of them.

    Each has a column `file` more. Nothing else can be reached from there, and nothing changed.

    Args:
        path: What the sources were found by.
        sources: The files; each has just been opened.
        keys: The sessions of all of them.
        skipped: Where to say what had to be left out.

    Raises:
        RecordingError: There are too many files, or one turns out to be damaged while the query runs.
        duckdb.Error: The query is wrong.
    """
    with ExitStack() as stack:
        connection = open_for_reading(":memory:", NO_EXTENSIONS, read_only=False)
        stack.callback(close_after_reading, connection)
        try:
            members = _attach_all(connection, sources, skipped, stack)
            # Before anything is looked at that a file defines.
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            _hide_duplicates(members, keys)
            _make_views(connection, members, skipped)
            yield connection
        except duckdb.Error as error:
            if not is_damage(error):
                raise
            raise RecordingError(
                f"{path}: a file is damaged or unreadable: {str(error).splitlines()[0]}"
            ) from None


def _attach_all(
    connection: DuckDBPyConnection, sources: Sequence[FileSource], skipped: dict[Path, str], stack: ExitStack
) -> dict[str, _Member]:
    members: dict[str, _Member] = {}
    for number, source in enumerate(sources):
        name = f"recording_{number}"
        problem = _attach(connection, name, source, stack)
        if problem is None:
            members[name] = _Member(source)
        elif "Too many open files" in problem:
            raise RecordingError(
                f"{len(sources)} recordings are more than this process may have open at once; name fewer,"
                " or raise `ulimit -n`."
            )
        else:
            skipped[source.path] = problem
    return members


def _attach(connection: DuckDBPyConnection, name: str, source: FileSource, stack: ExitStack) -> str | None:
    """Attach a file, or a copy of it; return why that cannot be, None if it is done."""
    if _problem_at(source.place, connection, name, source) is None:
        return None
    try:
        copy = stack.enter_context(source.readable())
    except RecordingError as error:
        return str(error)
    return _problem_at(copy, connection, name, source)


def _problem_at(place: Path, connection: DuckDBPyConnection, name: str, source: FileSource) -> str | None:
    try:
        with alone():
            connection.execute(f"ATTACH {quoted(place)} AS {name} (READ_ONLY)")
    except duckdb.Error as error:
        return sentence_for(source.path, error)
    return None


def _hide_duplicates(members: Mapping[str, _Member], keys: Sequence[Key]) -> None:
    by_file = {member.source.path: member for member in members.values()}
    for key in set(keys) - set(in_order(keys)):
        if key.file in by_file:
            by_file[key.file].hidden.append(key)


def _make_views(
    connection: DuckDBPyConnection, members: Mapping[str, _Member], skipped: dict[Path, str]
) -> None:
    parts: dict[str, dict[Path, str]] = defaultdict(dict)
    for name, relation, columns in connection.execute(_RELATIONS).fetchall():
        member, identifier = members[name], '"' + relation.replace('"', '""') + '"'
        parts[identifier][member.source.path] = (
            f"SELECT *, {quoted(member.source.path)} AS file FROM {name}.main.{identifier}"
            f"{_shown(member.hidden, columns)}"
        )
    for identifier, selects in parts.items():
        if _problem_of(connection, _view(identifier, selects.values())) is None:
            continue
        # A view of somebody else's may refer to anything.
        for file, select in list(selects.items()):
            problem = _problem_of(connection, f"{select} LIMIT 0")
            if problem is not None:
                del selects[file]
                skipped[file] = f"{file}: its {identifier} is left out: {problem}"
        if selects:
            connection.execute(_view(identifier, selects.values()))


def _view(identifier: str, selects: Iterable[str]) -> str:
    return f"CREATE VIEW {identifier} AS {' UNION ALL BY NAME '.join(selects)}"


def _problem_of(connection: DuckDBPyConnection, statement: str) -> str | None:
    try:
        connection.execute(statement)
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return None


def _shown(hidden: Sequence[Key], columns: Sequence[str]) -> str:
    """Return the condition that leaves sessions out, by whichever column says to which one a row belongs."""
    if hidden and "session" in columns:
        return f" WHERE session NOT IN ({', '.join(str(key.number) for key in hidden)})"
    if hidden and "session_id" in columns:
        return f" WHERE session_id NOT IN ({', '.join(repr(str(key.session_id)) for key in hidden)})"
    return ""
