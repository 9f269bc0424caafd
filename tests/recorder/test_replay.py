"""Every golden stream through a recording: the same bytes, or the same with secrets masked."""

from __future__ import annotations

import asyncio
import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.frame import StreamFrame, frame_json, parse_frame
from otelstream.redact import PLACEHOLDER, Redactor, redacted_frame
from recorder import Recording
from tests.contract.programs import (
    Status,
    Sync,
    aconsume,
    consume,
    frame,
    json_of,
    status_of,
    stream,
)
from tests.recorder.odd import GOLDEN, golden_lines, tokens

each_stream = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)


@dataclass(frozen=True)
class Recorded:
    """All golden streams in one file, and what the program saw of them."""

    recording: Recording
    consumed: dict[str, list[StreamFrame]]
    ids: dict[str | None, str]


def record_all(file: Path, redact: bool | Redactor) -> Iterator[Recorded]:
    """Record every golden stream from a plain iterator of frames, as another runtime would feed it."""
    consumed = {}
    keeper = iter(otelstream.observe(stream([frame(0)]), record=file))
    next(keeper)  # opening the file once is faster than once for each stream
    for path in GOLDEN:
        frames = [parse_frame(line) for line in golden_lines(path)]
        session: Sync = recorder.StreamSession(sync_iterator=iter(frames))
        observed = otelstream.observe(session, record=file, redact=redact, entry_point=path.name)
        consumed[path.name] = list(observed)
    list(keeper)
    with recorder.open(file) as recording:
        ids = {session.start.entry_point: session.id for session in recording.sessions()}
        yield Recorded(recording, consumed, ids)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """The golden streams, recorded as they are."""
    yield from record_all(tmp_path_factory.mktemp("golden") / "plain.duckdb", redact=False)


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """The golden streams, recorded with the default rules."""
    yield from record_all(tmp_path_factory.mktemp("golden") / "redacted.duckdb", redact=Redactor())


@each_stream
def test_a_stream_is_replayed_to_the_byte(path: Path, recorded: Recorded) -> None:
    """The frames of a replay have the JSON that CrewAI wrote, in the order in which it came."""
    session = recorder.replay(recorded.recording.path, recorded.ids[path.name])

    assert [frame_json(each) for each in session] == list(golden_lines(path))


@each_stream
def test_a_redacted_stream_is_replayed_as_redacted(path: Path, redacted: Recorded) -> None:
    """The frames of a recording are those that the redactor makes of the originals."""
    session = redacted.recording.session(redacted.ids[path.name])
    masked = [redacted_frame(parse_frame(line), Redactor()) for line in golden_lines(path)]

    assert json_of(redacted.recording.frames(session)) == [frame_json(each) for each in masked]


@each_stream
def test_the_program_sees_its_frames_untouched(path: Path, redacted: Recorded) -> None:
    """Redaction is for what leaves the process; the loop gets the frames as they were."""
    assert json_of(redacted.consumed[path.name]) == list(golden_lines(path))


def test_a_session_of_a_plain_iterator_has_no_result(recorded: Recorded) -> None:
    """Frames that are fed without a result are replayed without one."""
    session = recorder.replay(recorded.recording.path, recorded.ids[GOLDEN[0].name])
    consume(session)

    assert status_of(session) == Status(
        completed=True, exhausted=True, cancelled=False, result=(RuntimeError, "No result available")
    )


def test_areplay_yields_what_replay_yields(recorded: Recorded) -> None:
    """How a recording is iterated makes no difference to its frames."""

    async def frames() -> list[str]:
        return json_of(
            await aconsume(recorder.areplay(recorded.recording.path, recorded.ids[GOLDEN[3].name]))
        )

    assert asyncio.run(frames()) == json_of(
        recorder.replay(recorded.recording.path, recorded.ids[GOLDEN[3].name])
    )


def test_a_loop_that_ends_closes_an_unfinished_replay(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is told of an error, though the loop closes all generators at once."""
    session = recorder.areplay(recorded.recording.path, recorded.ids[GOLDEN[3].name])

    async def leave() -> None:
        await anext(aiter(session))

    asyncio.run(leave())

    assert (len(session.frames), caplog.messages) == (1, [])


def test_replays_do_not_share_frames(recorded: Recorded) -> None:
    """A program that changes a replayed frame changes no other replay."""
    first = consume(recorder.replay(recorded.recording.path, recorded.ids[GOLDEN[0].name]))
    original = copy.deepcopy(first[0])
    first[0].data.clear()

    assert next(iter(recorder.replay(recorded.recording.path, recorded.ids[GOLDEN[0].name]))) == original


def test_a_secret_in_the_result_is_masked(tmp_path: Path) -> None:
    """The result of a run is redacted like its frames."""
    secret = "sk-" + "0123456789abcdef" * 2
    consume(otelstream.observe(stream([frame(0)], {"api_key": secret}), record=tmp_path / "run.duckdb"))
    session = recorder.replay(tmp_path / "run.duckdb")
    consume(session)

    assert session.result == {"api_key": PLACEHOLDER}


def test_a_secret_in_the_exception_is_masked(tmp_path: Path) -> None:
    """So is the exception of a run that failed."""
    secret = "sk-" + "0123456789abcdef" * 2
    failing = stream([frame(0)], error=PermissionError(f"key {secret} was refused"))
    consume(otelstream.observe(failing, record=tmp_path / "run.duckdb"))
    session = recorder.replay(tmp_path / "run.duckdb")
    consume(session)

    assert status_of(session).result == (PermissionError, f"key {PLACEHOLDER} was refused")


def test_no_secret_is_in_the_file(tmp_path: Path) -> None:
    """Not one byte of a secret reaches the disk, in the file or beside it."""
    secret = "sk-" + "0123456789abcdef" * 2
    frames = [frame(number, data={"api_key": secret, "text": f"key {secret}"}) for number in range(3)]
    failing = stream(frames, error=PermissionError(secret))
    consume(otelstream.observe(failing, record=tmp_path / "run.duckdb"))

    assert [path.name for path in tmp_path.iterdir() if secret.encode() in path.read_bytes()] == []


def test_a_token_keeps_the_order_of_its_keys(tmp_path: Path) -> None:
    """What has been found free of secrets is not taken for the same where its keys stand in another order."""
    frames = tokens({"chunk": "a"}, {"chunk": "b"}, {"chunk": "c"})
    frames[1].data = dict(reversed(frames[1].data.items()))
    consume(otelstream.observe(stream(frames), record=tmp_path / "run.duckdb"))

    assert json_of(recorder.replay(tmp_path / "run.duckdb")) == json_of(frames)


def test_a_program_that_forbids_crewai(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that must not be loaded is one that is not."""
    monkeypatch.setitem(sys.modules, "crewai.types.streaming", None)

    assert type(recorder.replay(recorded.recording.path)) is recorder.StreamSession


def test_a_recording_that_is_not_there() -> None:
    """Asking for a replay of no file is an error at once, not at the first frame."""
    with pytest.raises(recorder.RecordingError, match=r"nowhere\.duckdb does not exist; check the path\.$"):
        recorder.replay("nowhere.duckdb")


def test_a_session_that_is_not_there(recorded: Recorded) -> None:
    """Asking for a replay of no session is an error at once, not at the first frame."""
    with pytest.raises(recorder.SessionNotFoundError, match="has no session 'nobody'"):
        recorder.areplay(recorded.recording.path, "nobody")
