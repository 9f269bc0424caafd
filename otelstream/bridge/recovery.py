"""A damaged recording into a sound one: what can be salvaged, and what was lost by name."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from otelstream.bridge.newfile import NewRecording, new_recording
from otelstream.errors import RecordingError
from otelstream.span.rules import Pair
from recorder.commits import Connect
from recorder.faults import sentence_for
from recorder.names import is_text
from recorder.remains import Remains
from recorder.salvage import Salvaged
from recorder.starting import connect
from recorder.wreck import Wreck, take_apart


@dataclass(frozen=True, slots=True)
class RecoveredSession:
    """What became of a session.

    Attributes:
        session: Its id.
        state: How it ended.
        frames: Frames that were salvaged.
        vouched: How many of them the hash chain of the damaged recording vouches for.
        lost: Ordinals that frames had which are lost, each range as its first and its last.
        altered: Ordinals of frames that are there, and not what was recorded.
        notes: What else is not as it was.
    """

    session: str
    state: str
    frames: int
    vouched: int
    lost: list[tuple[int, int]]
    altered: list[tuple[int, int]]
    notes: list[str]

    @property
    def is_complete(self) -> bool:
        """Whether nothing of it is known to be lost."""
        return not (self.lost or self.altered or self.notes)


@dataclass(slots=True)
class Recovery:
    """What became of a recording.

    Attributes:
        file: The damaged recording, which is as it was.
        output: The sound one.
        notes: What was wrong with the file, and where.
        cut: Whether something is lost of which nobody knows where it belonged.
        open_ended: Whether the recording stops where its process may have died: what came after that, if
            anything did, cannot be known.
        sessions: What became of each session.
    """

    file: Path
    output: Path
    notes: list[str] = field(default_factory=list)
    cut: bool = False
    open_ended: bool = False
    sessions: list[RecoveredSession] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is known to be lost."""
        return not self.cut and all(session.is_complete for session in self.sessions)


def recover(file: Path, output: Path, *, rows: Sequence[Pair] = ()) -> Recovery:
    """Salvage what there is of a recording into a new one, and read that again from first to last.

    Args:
        file: The recording; it is only read.
        output: The file to make.
        rows: Start and end types of the user's own, for the spans.

    Raises:
        RecordingError: `output` exists or cannot be made; `file` is missing, being written or no recording;
            or nothing of it can be salvaged. The text names the place of the damage.
    """
    if is_text(file):
        raise RecordingError(
            f"{file} is text, which an editor recovers: `otelstream doctor {file}` names the lines that are"
            " damaged; correct or remove them."
        )
    recovery = Recovery(file, output)
    with new_recording(output) as made:
        try:
            with tempfile.TemporaryDirectory(prefix="otelstream-recover-") as folder:
                wreck = take_apart(file, Path(folder))
                recovery.notes, recovery.cut = wreck.notes, wreck.cut
                _salvage(wreck, made, recovery, rows)
        except OSError as error:
            raise RecordingError(sentence_for(file, error)) from None
        except duckdb.Error as error:
            raise RecordingError(f"{file} cannot be recovered: {_first_line(error)}.") from None
        if not recovery.sessions and recovery.notes:
            raise RecordingError(
                f"{file} cannot be recovered: no session is left; {'; '.join(recovery.notes)}."
            )
    return recovery


def _salvage(wreck: Wreck, made: NewRecording, recovery: Recovery, rows: Sequence[Pair]) -> None:
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    with ExitStack() as stack:
        trusted, doubtful = (
            None if path is None else Remains(_connecting(stack.enter_context(closing(connect(path)))), lost)
            for path, lost in (
                (wreck.trusted, wreck.unreadable),
                (wreck.doubtful, wreck.unreadable if wreck.trusted is None else None),
            )
        )
        sources = [remains for remains in (trusted, doubtful) if remains]
        found = Counter[str]()
        for number in sorted({number for remains in sources for number in remains.numbers()}):
            session = Salvaged(number, trusted, doubtful, now)
            if session.is_real:
                made.copy(session, rows=rows)
                recovery.sessions.append(_told(session))
                found += _accounted(session)
        recovery.open_ended = wreck.unfinished or any(each.state == "crashed" for each in recovery.sessions)
        _compare(sources[0], found, recovery)


def _accounted(session: Salvaged) -> Counter[str]:
    """Return of how many rows of each table it is known what became of them."""
    lost = sum(until - first for first, until in session.lost)
    return Counter(
        session_starts=1, stored_frames=session.frames + session.repeated + lost, gaps=session.gaps
    )


def _compare(remains: Remains, found: Counter[str], recovery: Recovery) -> None:
    """Take note of rows that the recording had and that are in none of its sessions."""
    for table in ("session_starts", "stored_frames", "gaps"):
        missing = remains.recorded(table) - found[table]
        if missing > 0:
            recovery.cut = True
            recovery.notes.append(f"{missing} rows of {table} are lost, and nobody knows where they belonged")


def _connecting(connection: DuckDBPyConnection) -> Connect:
    return lambda: nullcontext(connection)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")


def _told(session: Salvaged) -> RecoveredSession:
    end = session.end()
    return RecoveredSession(
        session=str(session.start.session_id),
        state=end.state,
        frames=session.frames,
        vouched=session.vouched,
        lost=[(first, until - 1) for first, until in session.lost],
        altered=[(first, until - 1) for first, until in session.altered],
        notes=session.notes,
    )
