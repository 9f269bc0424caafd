"""Many recordings as one database: every table and view of theirs, over all files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from otelstream.errors import RecordingError
from recorder.database import NO_EXTENSIONS, alone, close_after_reading, open_for_reading, quoted
from recorder.faults import is_damage
from recorder.listing import Key, in_order, keys_of
from recorder.schema import FORMAT_VERSION
from recorder.source import Source

_RELATIONS: Final = """
SELECT database_name, table_name, list(column_name) FROM duckdb_columns()
WHERE schema_name = 'main' AND starts_with(database_name, 'recording_') AND NOT internal
GROUP BY ALL
"""


@dataclass(slots=True)
class _Member:
    """One of the files, attached.

    Attributes:
        source: The file.
        hidden: Sessions that another file holds as well, and more completely.
    """

    source: Source
    hidden: list[Key] = field(default_factory=list)


@contextmanager
def union(path: Path, sources: Sequence[Source], skipped: dict[Path, str]) -> Iterator[DuckDBPyConnection]:
    """Give a connection in which the tables and views of all sources are views over all of them.

    Each has a column `file` more. Nothing else can be reached from there, and nothing changed.

    Args:
        path: What the sources were found by.
        sources: The files.
        skipped: Where to say why a file was left out.

    Raises:
        RecordingError: There are too many files, or one turns out to be damaged while the query runs.
        duckdb.Error: The query is wrong.
    """
    with ExitStack() as stack:
        connection = open_for_reading(":memory:", NO_EXTENSIONS, read_only=False)
        stack.callback(close_after_reading, connection)
        try:
            members = _attach_all(connection, sources, skipped, stack)
            if not members:
                reason = next(iter(skipped.values()), "")
                raise RecordingError(f"{path} holds no recording that can be read; the first: {reason}")
            # Before anything is looked at that a file defines.
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            _hide_duplicates(connection, members)
            _make_views(connection, members)
            yield connection
        except duckdb.Error as error:
            if not is_damage(error):
                raise
            raise RecordingError(
                f"{path}: a file is damaged or unreadable: {str(error).splitlines()[0]}"
            ) from None


def _attach_all(
    connection: DuckDBPyConnection, sources: Sequence[Source], skipped: dict[Path, str], stack: ExitStack
) -> dict[str, _Member]:
    members: dict[str, _Member] = {}
    for number, source in enumerate(sources):
        name = f"recording_{number}"
        try:
            problem = _attach(connection, name, source, stack)
        except OSError:
            raise RecordingError(
                f"{len(sources)} recordings are more than this process may have open at once; name fewer,"
                " or raise `ulimit -n`."
            ) from None
        if problem is None:
            members[name] = _Member(source)
        else:
            skipped[source.path] = problem
    return members


def _attach(connection: DuckDBPyConnection, name: str, source: Source, stack: ExitStack) -> str | None:
    """Attach a file, or a copy of it; return why that cannot be, None if it is done."""
    if _attached(connection, name, source.real):
        return None
    try:
        copy = stack.enter_context(source.readable())
    except RecordingError as error:
        return str(error)
    done = _attached(connection, name, copy)
    return None if done else f"{source.path} cannot be read beside the others; try again."


def _attached(connection: DuckDBPyConnection, name: str, path: Path) -> bool:
    """Attach a file; return False if that cannot be, or if it is none of the current format.

    Raises:
        OSError: There are too many open files.
    """
    try:
        with alone():
            connection.execute(f"ATTACH {quoted(path)} AS {name} (READ_ONLY)")
    except duckdb.Error as error:
        if "Too many open files" in str(error):
            raise OSError(str(error)) from None
        return False
    with suppress(duckdb.Error):
        connection.execute(f"FROM {name}.main.session_starts LIMIT 0")
        row = connection.execute(f"SELECT format_version FROM {name}.main.header").fetchone()
        if row == (FORMAT_VERSION,):
            return True
    connection.execute(f"DETACH {name}")
    return False


def _hide_duplicates(connection: DuckDBPyConnection, members: Mapping[str, _Member]) -> None:
    ids = (f"SELECT '{name}' AS name, session_id FROM {name}.main.session_starts" for name in members)
    query = (
        f"SELECT DISTINCT name FROM ({' UNION ALL '.join(ids)})"
        " QUALIFY count(*) OVER (PARTITION BY session_id) > 1"
    )
    keys: dict[Key, str] = {}
    for (name,) in connection.execute(query).fetchall():
        connection.execute(f"USE {name}")
        keys.update(dict.fromkeys(keys_of(connection, members[name].source.path), name))
    connection.execute("USE memory")
    for key in keys.keys() - set(in_order(keys)):
        members[keys[key]].hidden.append(key)


def _make_views(connection: DuckDBPyConnection, members: Mapping[str, _Member]) -> None:
    parts: dict[str, list[str]] = defaultdict(list)
    for name, relation, columns in connection.execute(_RELATIONS).fetchall():
        member, identifier = members[name], '"' + relation.replace('"', '""') + '"'
        parts[identifier].append(
            f"SELECT *, {quoted(member.source.path)} AS file FROM {name}.main.{identifier}"
            + _shown(member.hidden, columns)
        )
    for identifier, selects in sorted(parts.items()):
        connection.execute(f"CREATE VIEW {identifier} AS {' UNION ALL BY NAME '.join(selects)}")


def _shown(hidden: Sequence[Key], columns: Sequence[str]) -> str:
    """Return the condition that leaves sessions out, by whichever column says to which one a row belongs."""
    if hidden and "session" in columns:
        return f" WHERE session NOT IN ({', '.join(str(key.number) for key in hidden)})"
    if hidden and "session_id" in columns:
        return f" WHERE session_id NOT IN ({', '.join(repr(str(key.session_id)) for key in hidden)})"
    return ""
