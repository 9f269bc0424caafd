"""Sessions and frames out of recordings, one batch in memory at a time: of a file, or of many as one.

No file is held open between batches, so a half-read replay keeps nobody from writing it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import Self

from otelstream.errors import RecordingError
from otelstream.frame import StreamFrame
from recorder.batches import Batch
from recorder.forms import FileSource, source_of
from recorder.listing import Selector, found_in, in_order, key_of
from recorder.query import Answer, Parameters
from recorder.search import Condition
from recorder.session_row import Gap, RecordedSession
from recorder.sources import Sources, find

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from recorder.sandbox import Sandbox

T = TypeVar("T")


class Recording:
    """A recording for reading: a file, or all files of a directory or a pattern. Also a context manager.

    A file that another process is writing is read from a copy, made when the file is first looked at. What is
    no recording beneath a directory is left out and listed in `skipped`.

    Args:
        path: A file, a database or text (`*.jsonl`); a directory (every recording beneath it); or a pattern
            (`runs/2026-11-*/*.duckdb`).

    Attributes:
        path: The path as it was given.
        sources: The files by their paths.

    Raises:
        RecordingError: The directory holds no recording, or the pattern matches none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        found = find(self.path)
        self._named = found.named
        self._skipped = dict(found.skipped + found.foreign)
        self._sandbox: Sandbox | None = None
        self.sources: dict[Path, FileSource] = {}
        self._take(found.files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the copies, if there are any."""
        if self._sandbox is not None:
            self._sandbox.close()

    @property
    def files(self) -> list[Path]:
        """The files, in the order of their names."""
        return list(self.sources)

    @property
    def skipped(self) -> list[tuple[Path, str]]:
        """The files that were left out so far, each with a sentence that says why."""
        return list(self._skipped.items())

    @property
    def live(self) -> bool:
        """Whether one of the files was being written when it was last looked at."""
        return any(source.live for source in self.sources.values())

    def check(self) -> None:
        """Look at the file, if the path names one.

        Raises:
            RecordingError: It is missing, no recording, of a newer format, or damaged.
        """
        for source in self.sources.values() if self._named else ():
            source.check()

    def refresh(self) -> list[Path]:
        """Look again: for changes, for new files, for files that are gone; return where there may be news.

        Without it a copy of a file that another process writes stays as it was made, and the files stay those
        that were there.
        """
        try:
            found = find(self.path)
        except RecordingError:
            found = Sources([], named=False, skipped=[])
        new = [file for file in found.files if file not in self.sources]
        for file in self.sources.keys() - set(found.files):
            del self.sources[file]
        self._skipped = dict(found.skipped + found.foreign)
        changed = [file for file, source in self.sources.items() if source.refresh()]
        self._take(new)
        return changed + new

    @contextmanager
    def connection(self) -> Iterator[DuckDBPyConnection]:
        """Give a DuckDB connection in which the recording's tables and views can be queried.

        Of a directory or a pattern they show all files, with a column `file` more. Nothing else can be
        reached from there, and nothing changed.

        Raises:
            RecordingError: A file cannot be read, also where that turns out while the query runs.
            duckdb.Error: The query is wrong.
        """
        if self._named:
            with self.sources[self.path].opened() as connection:
                yield connection
            return
        from recorder.union import union

        keys = self._of_each(lambda source: source.keys())
        readable = [source for source in self.sources.values() if source.path not in self._skipped]
        if not readable:
            reason = next(iter(self._skipped.values()))
            raise RecordingError(f"{self.path} holds no recording that can be read; the first: {reason}")
        with union(self.path, readable, keys, self._skipped) as connection:
            yield connection

    def sql(
        self, query: str, parameters: Parameters = None, variables: Mapping[str, object] | None = None
    ) -> Answer:
        """Return the answer to an SQL query, which runs when it is taken; see `Answer`.

        Nothing is opened before; ask for it while the recording is open.

        Args:
            query: One SQL query.
            parameters: Values of its parameters.
            variables: What `getvariable('name')` gives in it, as the session that a report is about.
        """
        return Answer(self.connection, query, parameters, variables)

    def sessions(self) -> list[RecordedSession]:
        """Return the sessions, oldest first; one that several files hold appears once.

        Raises:
            RecordingError: The file cannot be read.
        """
        found = self._of_each(lambda source: source.sessions())
        by_key = {key_of(session): session for session in found}
        return [replace(by_key[key], index=index) for index, key in enumerate(in_order(by_key))]

    def session(self, selector: Selector = "last") -> RecordedSession:
        """Return one session.

        Args:
            selector: `last`, an index, an id or the beginning of one, or a name (the newest of that name).

        Raises:
            SessionNotFoundError: There is no such session.
            RecordingError: The file cannot be read.
        """
        if self._named:
            return self.sources[self.path].chosen(lambda keys: found_in(self.path, keys, selector))
        index, key = found_in(self.path, self._of_each(lambda source: source.keys()), selector)
        (session,) = self.sources[key.file].sessions(key.number)
        return replace(session, index=index)

    def frames(self, session: RecordedSession, first: int = 0) -> Iterator[StreamFrame]:
        """Yield a session's frames in their order of arrival.

        Args:
            session: The session.
            first: Ordinal of the first of them.

        Raises:
            RecordingError: The file is damaged, or was moved meanwhile.
        """
        for batch in self.batches(session, first):
            yield from batch.frames

    def batches(self, session: RecordedSession, first: int = 0, until: int | None = None) -> Iterator[Batch]:
        """Yield a session's frames in batches; the file is only looked at when the next one is asked for.

        Args:
            session: The session.
            first: Ordinal of the first frame.
            until: Ordinal of the first frame that is not read any more; None for all.

        Raises:
            RecordingError: The file is damaged, or was moved meanwhile.
        """
        return self._source_of(session).batches(session, first, until)

    def find(self, session: RecordedSession, condition: Condition, first: int = 0) -> int | None:
        """Return the ordinal of the first frame, from `first` on, that meets a condition; None if none does.

        Raises:
            RecordingError: The file is damaged, or was moved meanwhile.
        """
        return self._source_of(session).find(session, condition, first)

    def gaps(self, session: RecordedSession) -> list[Gap]:
        """Return where frames of a session are missing, in its order, and why.

        Raises:
            RecordingError: The file is damaged.
        """
        return self._source_of(session).gaps(session)

    def _take(self, files: list[Path]) -> None:
        self.sources.update({file: source_of(file, self._databases) for file in files})

    def _databases(self) -> Sandbox:
        """Return what databases are opened in; text needs none before somebody asks for tables."""
        if self._sandbox is None:
            from recorder.sandbox import Sandbox

            self._sandbox = Sandbox([])
        return self._sandbox

    def _of_each(self, ask: Callable[[FileSource], list[T]]) -> list[T]:
        return [answer for source in self.sources.values() for answer in self.asked(source, ask)]

    def asked(self, source: FileSource, ask: Callable[[FileSource], list[T]]) -> list[T]:
        """Return what a file answers; nothing if it is one of many and has to be left out.

        Raises:
            RecordingError: The file cannot be read, and is the one that was named.
        """
        try:
            answers = ask(source)
        except RecordingError as error:
            if self._named:
                raise
            self._skipped[source.path] = str(error)
            return []
        self._skipped.pop(source.path, None)
        return answers

    def _source_of(self, session: RecordedSession) -> FileSource:
        source = self.sources.get(session.file)
        if source is None:
            raise RecordingError(f"{session.file} is not a file of {self.path}; open that one.")
        return source


def open_recording(path: str | os.PathLike[str]) -> Recording:
    """Open a recording for reading: a file, a directory, or a pattern; see `Recording`.

    Raises:
        RecordingError: The file is missing, no recording, of a newer format, or damaged; a directory holds no
            recording, or a pattern matches none.
    """
    recording = Recording(path)
    recording.check()
    return recording
