"""A file of a recording in either of its forms, a database or text, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias
from uuid import UUID

from recorder.batches import Batch
from recorder.listing import Key
from recorder.names import is_text
from recorder.session_row import Gap, RecordedSession

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from recorder.sandbox import Sandbox
    from recorder.search import Condition


class Progress(NamedTuple):
    """How far a session is.

    Attributes:
        file: The file that holds it.
        number: Its number there.
        session_id: Its id.
        ended_at: When it ended, naive UTC; None if it has not.
        frames: How many frames it has.
    """

    file: Path
    number: int
    session_id: UUID
    ended_at: datetime | None
    frames: int


Since: TypeAlias = tuple[object, int]
"""Which recording a file held when it was asked, and the first session that may change."""


class FileSource(Protocol):
    """A file of a recording. All of its methods raise `RecordingError` if it cannot be read."""

    @property
    def path(self) -> Path:
        """The file, as it was named."""

    @property
    def real(self) -> Path:
        """The same with links resolved."""

    @property
    def live(self) -> bool:
        """Whether it was being written when it was last looked at."""

    @property
    def format(self) -> int | str:
        """The format that it has itself, whatever it is read as."""

    @property
    def place(self) -> Path:
        """Where it can be attached when it has been opened."""

    def refresh(self) -> bool:
        """Look whether the file has changed since the last time; if so it is opened anew when it is read."""

    def check(self) -> None:
        """Look whether it is there, and a recording."""

    def connection(self) -> AbstractContextManager[DuckDBPyConnection]:
        """Give a connection whose default schema is the recording, for a short query of our own."""

    def opened(self) -> AbstractContextManager[DuckDBPyConnection]:
        """Give a connection for a user's queries, in a database of its own that can reach nothing else."""

    def readable(self) -> AbstractContextManager[Path]:
        """Give a path at which DuckDB can open the recording for reading: its own, or that of a copy."""

    def keys(self) -> list[Key]:
        """Return its sessions, in no order."""

    def sessions(self, number: int | None = None) -> list[RecordedSession]:
        """Return its sessions, or the one of a number, all with the index 0 and in no order."""

    def chosen(self, choose: Callable[[list[Key]], tuple[int, Key]]) -> RecordedSession:
        """Return the session that is chosen among its own, with the index that is given to it."""

    def gaps(self, session: RecordedSession) -> list[Gap]:
        """Return where frames of a session are missing."""

    def batches(self, session: RecordedSession, first: int, until: int | None) -> Iterator[Batch]:
        """Yield the frames of a session from an ordinal on, up to another or to its end."""

    def find(self, session: RecordedSession, condition: Condition, first: int) -> int | None:
        """Return the ordinal of the first frame from `first` on that meets a condition, None if none does."""

    def progress(self, since: Since | None) -> tuple[Since, list[Progress]]:
        """Return how far those sessions are that may have changed since, and what to ask with next time."""

    def arrivals(self, number: int, first: int) -> list[int]:
        """Return when the frames of a session came from an ordinal on, in nanoseconds since the epoch."""


def source_of(path: Path, sandbox: Callable[[], Sandbox]) -> FileSource:
    """Return a file by its form, which its name tells.

    Args:
        path: The file.
        sandbox: Gives what databases are opened in. Text is read without any.
    """
    if is_text(path):
        from recorder.text.source import TextSource

        return TextSource(path, sandbox)
    from recorder.stored import StoredSource

    return StoredSource(path, sandbox())
