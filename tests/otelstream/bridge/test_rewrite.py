"""Copying sessions into a new recording: nothing is lost on the way, and the chain is made anew."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

import recorder
from otelstream.bridge.originals import opened
from otelstream.bridge.rewrite import BATCH_FRAMES, Recorded, copy_session
from otelstream.errors import RecordingError
from otelstream.frame import StreamFrame, frame_json
from otelstream.redact import Redactor
from recorder.doctor import examine
from recorder.session_row import Item, SessionEnd, SessionStart, StoredFrame, StoredGap
from recorder.source import reading
from recorder.writer import Writer
from tests.conftest import frames_of
from tests.contract.programs import frame
from tests.recorder.odd import ODD
from tests.recorder.recordings import (
    NOTICED,
    Content,
    change,
    content,
    end,
    finished,
    killed,
    record,
    session_id,
    start,
    thaw,
    tokens,
    writing,
)

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"


def copied(path: Path, output: Path, redactor: Redactor | None = None) -> Path:
    """A copy of every session of a recording, which is attached once and not for every query."""
    with opened(path) as file, writing(output) as writer, file.connect() as connection:
        here = replace(file, connect=lambda: nullcontext(connection))
        for session in here.sessions():
            copy_session(here.original(session), writer, redactor)
    return output


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    """The rows of a table."""
    with reading(path) as connection:
        return connection.execute(f"FROM {table} ORDER BY ALL").fetchall()


def test_a_copy_holds_what_the_original_holds(tmp_path: Path) -> None:
    """States, frames, results, errors and gaps come out alike."""
    path = finished(tmp_path / "run.duckdb")

    assert content(copied(path, tmp_path / "copy.duckdb")) == content(path)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Content, Content]]:
    """What a session of each odd frame holds, and what its copy holds."""
    path = tmp_path_factory.mktemp("odd") / "run.duckdb"
    with writing(path) as writer:
        for number, name in enumerate(ODD):
            record(writer, number, [frame(0), ODD[name], frame(2)])
    before, after = content(path), content(copied(path, path.with_name("copy.duckdb")))
    return [(before[str(session_id(number))], after[str(session_id(number))]) for number in range(len(ODD))]


@pytest.mark.parametrize(("number", "name"), enumerate(ODD), ids=ODD)
def test_an_odd_frame_is_copied_to_the_byte(
    number: int, name: str, odd: list[tuple[Content, Content]]
) -> None:
    """Whatever a frame holds is in the copy."""
    before, after = odd[number]

    assert (after, before.frames[1]) == (before, frame_json(ODD[name]))


@pytest.mark.parametrize("table", ["session_starts", "stored_frames", "gaps", "contexts"])
def test_a_copy_has_the_same_rows(table: str, tmp_path: Path) -> None:
    """Starts, ordinals, offsets, gaps and contexts are stored as they were."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        record(writer, 0, frames_of("05_crew_two_agents_tools"))
        writer.begin(start(1))
        writer.add_gap(session_id(1), 3, "queue_full", NOTICED)
        writer.add(session_id(1), 0, 17, frame(0))
        writer.add_gap(session_id(1), 1, "redaction", NOTICED)
        writer.end(session_id(1), end(1, frames_dropped=4))
        writer.flush()

    assert rows(copied(path, tmp_path / "copy.duckdb"), table) == rows(path, table)


def test_a_copy_is_vouched_for(tmp_path: Path) -> None:
    """Its chain is made anew, and covers every frame."""
    found = examine(copied(finished(tmp_path / "run.duckdb"), tmp_path / "copy.duckdb"))

    assert (found.findings, found.vouched) == ([], 37)


def test_a_copy_has_spans(tmp_path: Path) -> None:
    """Also of a recording that has none, as those of format 1."""
    copy = copied(thaw("format-1/finished", tmp_path), tmp_path / "copy.duckdb")
    with reading(copy) as connection:
        query = "SELECT operation, count(*) FROM stored_spans WHERE session = 0 GROUP BY ALL ORDER BY ALL"
        spans = connection.execute(query).fetchall()

    assert [operation for operation, _ in spans] == [
        "chat",
        "execute_tool",
        "invoke_agent",
        "invoke_workflow",
        "method",
        "task",
    ]


def test_a_session_without_an_end_has_crashed(tmp_path: Path) -> None:
    """The copy says so, with the time of its last frame."""
    path = killed(tmp_path / "run.duckdb")
    with recorder.open(copied(path, tmp_path / "copy.duckdb")) as recording:
        ended = recording.session(2).end
    last = frames_of("04_crew_streaming")[:20]

    assert ended == SessionEnd(
        max(each.timestamp for each in last).replace(tzinfo=None),
        *("crashed", 20, 0, None, None, None, None, None),
    )


def test_a_frame_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """A damaged recording is not copied as if it were whole."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "DELETE FROM stored_frames WHERE session = 1 AND ordinal = 7")
    with pytest.raises(RecordingError) as raised:
        copied(path, tmp_path / "copy.duckdb")

    assert str(raised.value) == (
        f"{path} is damaged: session {session_id(1)}: frame 7 is missing; recover it first."
    )


def test_a_frame_that_is_missing_at_the_end_is_an_error(tmp_path: Path) -> None:
    """The count in its end tells."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "DELETE FROM stored_frames WHERE session = 1 AND ordinal = 29")
    with pytest.raises(RecordingError, match="it has 29 frames instead of 30"):
        copied(path, tmp_path / "copy.duckdb")


class Endless:
    """A session that counts how far it is ahead of what is committed."""

    def __init__(self, path: Path, frames: int) -> None:
        self.start: SessionStart = start(0)
        self.writer = Writer(path)
        self.most_pending = 0
        self._frames = frames

    def items(self) -> Iterator[Item]:
        """Yield frames."""
        for number in range(self._frames):
            self.most_pending = max(self.most_pending, self.writer.pending)
            yield StoredFrame(number, frame(number), 10)

    def end(self) -> SessionEnd:
        """Return its end."""
        return end(self._frames)


@pytest.mark.parametrize("redactor", [None, Redactor()])
def test_a_copy_is_committed_in_batches(redactor: Redactor | None, tmp_path: Path) -> None:
    """Never is more in memory than a batch, and what the redaction holds back."""
    session = Endless(tmp_path / "run.duckdb", 5 * BATCH_FRAMES)
    with closing(session.writer):
        copy_session(session, session.writer, redactor)

    assert session.most_pending <= 2 * BATCH_FRAMES
    assert len(content(tmp_path / "run.duckdb")[str(session_id(0))].frames) == 5 * BATCH_FRAMES


def test_gaps_stay_where_they_were_while_frames_are_held_back(tmp_path: Path) -> None:
    """A redaction that holds frames back does not let gaps overtake them."""

    class Gappy(Endless):
        def items(self) -> Iterator[Item]:
            for number in range(20):
                yield StoredFrame(number, frame(number, data={"chunk": "sk-"}), 10)
                yield StoredGap(number + 1, "queue_full", NOTICED)

    session = Gappy(tmp_path / "run.duckdb", 20)
    with closing(session.writer):
        copy_session(session, session.writer, Redactor())

    assert content(tmp_path / "run.duckdb")[str(session_id(0))].gaps == [
        (number + 1, number + 1, "queue_full") for number in range(20)
    ]


def secretive(path: Path) -> Path:
    """A recording with a key in a frame, in tokens, in names, in its result and in its error."""
    pieces = [KEY[at : at + 3] for at in range(0, len(KEY), 3)]
    frames = [frame(0, data={"api_key": KEY, "text": f"use {KEY}, please"})]
    frames += [frame(number, data={"chunk": piece}) for number, piece in enumerate(pieces, 1)]
    frames += [frame(len(frames), data={"chunk": " is the key"})]
    with writing(path) as writer:
        writer.begin(replace(start(0), name=f"flow {KEY}", entry_point=KEY, redacted=False))
        for ordinal, each in enumerate(frames):
            writer.add(session_id(0), ordinal, ordinal, each)
        writer.end(
            session_id(0),
            end(
                len(frames),
                "failed",
                result=json.dumps({"token": KEY}),
                error=json.dumps({"$type": "exception", "text": f"wrong key {KEY}"}),
                error_message=f"wrong key {KEY}",
                redactions='{"key":2}',
            ),
        )
        writer.flush()
    return path


def test_a_redacted_copy_holds_no_secret(tmp_path: Path) -> None:
    """Neither whole nor in pieces: no byte of it, and no text of its tokens put together."""
    copy = copied(secretive(tmp_path / "run.duckdb"), tmp_path / "copy.duckdb", Redactor())
    (session,) = content(copy).values()
    spoken = "".join(json.loads(each)["data"].get("chunk", "") for each in session.frames)

    assert KEY.encode() not in copy.read_bytes()
    assert (KEY in str(session), spoken) == (False, "REDACTED is the key")


def test_a_redacted_copy_counts_what_fired(tmp_path: Path) -> None:
    """By rule, added to what had fired when it was recorded."""
    copy = copied(secretive(tmp_path / "run.duckdb"), tmp_path / "copy.duckdb", Redactor())
    with recorder.open(copy) as recording:
        session = recording.session()

    assert session.end is not None
    assert json.loads(session.end.redactions or "") == {"key": 4, "key sk-…": 6}


def test_a_redacted_copy_says_so(tmp_path: Path) -> None:
    """Its start says that it was redacted, and its names are masked."""
    copy = copied(secretive(tmp_path / "run.duckdb"), tmp_path / "copy.duckdb", Redactor())
    with recorder.open(copy) as recording:
        session = recording.session().start

    assert (session.redacted, session.name, session.entry_point) == (True, "flow REDACTED", "REDACTED")


def test_the_bytes_and_the_class_of_an_error_are_masked(tmp_path: Path) -> None:
    """Also bytes that an earlier version wrote in base64, where no rule sees what they are."""
    encoded = json.dumps({"$type": "bytes", "value": b64encode(f"use {KEY}".encode()).decode()})
    with writing(tmp_path / "run.duckdb") as writer:
        writer.begin(replace(start(0), redacted=False))
        writer.end(session_id(0), end(0, "failed", result=encoded, error_type=f"m.My_{KEY}"))
        writer.flush()
    copy = copied(tmp_path / "run.duckdb", tmp_path / "copy.duckdb", Redactor())
    with recorder.open(copy) as recording:
        last = recording.session().end

    assert last is not None
    assert (last.error_type, json.loads(last.result or "")) == (
        "m.My_REDACTED",
        {"$type": "bytes", "text": "use REDACTED"},
    )


def test_a_redacted_copy_replays(tmp_path: Path) -> None:
    """As many frames as before, each with its id."""
    path = secretive(tmp_path / "run.duckdb")
    copy = copied(path, tmp_path / "copy.duckdb", Redactor())

    def ids(recording: Path) -> list[str]:
        with recorder.open(recording) as opened_recording:
            return [each.id for each in opened_recording.frames(opened_recording.session())]

    assert ids(copy) == ids(path)


def test_a_copy_without_secrets_is_the_same(tmp_path: Path) -> None:
    """The redaction changes nothing where there is nothing to mask."""
    with writing(tmp_path / "run.duckdb") as writer:
        record(writer, 0, tokens(50))
    copy = copied(tmp_path / "run.duckdb", tmp_path / "copy.duckdb", Redactor())

    assert content(copy) == content(tmp_path / "run.duckdb")


def test_a_large_frame_is_committed_at_once(tmp_path: Path) -> None:
    """What is in memory is bounded in characters, too."""
    large = frame(0, data={"text": "x" * 12_000_000})

    class Large(Endless):
        def items(self) -> Iterator[Item]:
            for number in range(6):
                self.most_pending = max(self.most_pending, self.writer.pending)
                yield StoredFrame(number, large, 12_000_000)

    session = Large(tmp_path / "run.duckdb", 6)
    with closing(session.writer):
        copied_frames = copy_session(session, session.writer).frames

    assert (copied_frames, session.most_pending) == (6, 0)


def test_frames_come_as_models(tmp_path: Path) -> None:
    """What is copied is what `Recording.frames` gives."""
    path = finished(tmp_path / "run.duckdb")
    with opened(path) as file:
        items = list(Recorded(file.connect, next(file.sessions())).items())
    frames: list[StreamFrame] = [item.frame for item in items if isinstance(item, StoredFrame)]

    assert [frame_json(each) for each in frames] == content(path)[str(session_id(0))].frames
