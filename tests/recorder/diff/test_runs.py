"""What can be compared: recordings, stream sessions of a program, and frames; and how each of them ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.errors import SessionNotFoundError, UsageError
from otelstream.frame import StreamFrame
from otelstream.testing import Script
from recorder import Policy, StreamSession, assert_same_run, diff

KEY = "sk-proj-0123456789abcdefghijABCDEFGHIJ0123456789abcdefghij"


def frames(
    answer: str = "tea", *, pieces: tuple[str, ...] = ("te", "a"), key: str = KEY
) -> list[StreamFrame]:
    """A flow that asks a model, which answers token by token; one of its frames has a key."""
    script = Script()
    script.start("flow_started", flow_name="Ask", inputs={"api_key": key})
    script.start("llm_call_started", model="gpt", call_id="c1", messages=[{"role": "user", "content": "?"}])
    for piece in pieces:
        script.emit("llm_stream_chunk", chunk=piece, call_id="c1")
    script.end("llm_call_completed", call_id="c1", response=answer)
    script.end("flow_finished", result=answer)
    return script.frames


def session(
    given: list[StreamFrame] | None = None, result: object = "tea", error: Exception | None = None
) -> StreamSession[object]:
    """A session that gives those frames and ends like that; not yet consumed."""

    def run() -> Iterator[StreamFrame]:
        yield from frames() if given is None else given
        if error is not None:
            raise error
        made._set_result(result)

    made: StreamSession[object] = StreamSession(sync_iterator=run())
    return made


def consumed(stream: StreamSession[object]) -> StreamSession[object]:
    """The session after its end."""
    with suppress(ValueError):
        list(stream)
    return stream


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of three sessions: one that gave tea, one that failed, one whose model said coffee."""
    path = tmp_path_factory.mktemp("runs") / "runs.duckdb"
    for each in (session(), session(error=ValueError("no tea")), session(frames("coffee"))):
        consumed(otelstream.observe(each, record=path))
    return path


def test_a_session_is_the_same_as_its_recording(recording: Path) -> None:
    """A run is the same as the recording of another like it, though only that has its secrets masked."""
    assert_same_run(consumed(session()), recording, 0)


def test_a_failed_session_is_the_same_as_its_recording(recording: Path) -> None:
    """A run that raises the same exception is the same."""
    assert_same_run(consumed(session(error=ValueError("no tea"))), recording, 1)


def test_frames_alone_have_no_outcome(recording: Path) -> None:
    """Frames are compared with a recording's frames, and its outcome with none."""
    assert_same_run(frames(), recording, 0)
    assert_same_run(frames(), recording, 1)


def test_a_replay_is_the_same_as_its_recording(recording: Path) -> None:
    """A replayed session can be compared like any other, as the one side and as the other."""
    replayed = consumed(recorder.replay(recording, 0))
    assert_same_run(replayed, recording, 0)
    assert_same_run(consumed(session()), replayed)


def test_a_difference_raises_with_its_text(recording: Path) -> None:
    """A run that differs raises, and the error says where first."""
    with pytest.raises(AssertionError) as differs:
        assert_same_run(consumed(session(frames("milk"))), recording, 0)
    assert str(differs.value).splitlines()[0] == (
        "frame 4, llm_call_completed, differs at $.data.response: recorded 'tea', now 'milk'"
    )


@pytest.mark.parametrize(
    ("other", "path"),
    [
        (session(result="milk"), "$.result"),
        (session(error=ValueError("no tea")), "$.error"),
        (session(result={"a": 1}), "$.result"),
    ],
)
def test_outcomes_are_compared(recording: Path, other: StreamSession[object], path: str) -> None:
    """Of equal frames the result and the exception count; they stand behind the last frame."""
    first = diff(recording, consumed(other), session=0).first
    assert first is not None
    assert (first.left, first.right, first.frame_type, first.path) == (6, 6, "(outcome)", path)


@pytest.mark.parametrize(
    ("error", "path"),
    [(ValueError("no coffee"), "$.error.args[0]"), (ValueError("no tea", 1), "$.error.args[1]")],
)
def test_exceptions_are_compared(recording: Path, error: ValueError, path: str) -> None:
    """Class, arguments, text and cause of an exception count."""
    first = diff(recording, consumed(session(error=error)), session=1).first
    assert first is not None
    assert first.path == path


def test_an_outcome_can_be_ignored(recording: Path) -> None:
    """The parts of an outcome are ignored by their paths."""
    policy = Policy(ignore=("$.result",))
    assert diff(recording, consumed(session(result="milk")), session=0, policy=policy).verdict == "same"


def test_an_outcome_is_told(recording: Path) -> None:
    """A difference of outcomes is told without an ordinal."""
    assert str(diff(recording, consumed(session(result="milk")), session=0)).splitlines()[0] == (
        "the outcome differs at $.result: recorded 'tea', now 'milk'"
    )


def test_two_sessions_of_one_recording_are_compared(recording: Path) -> None:
    """Both sides may be the same file."""
    first = diff(recording, recording, session=0, other=2).first
    assert first is not None
    assert (first.left, first.path) == (4, "$.data.response")


def test_a_recording_with_its_secrets_is_the_same_as_one_without(recording: Path, tmp_path: Path) -> None:
    """Where only one of two recordings has its secrets masked, they are masked in the other before."""
    path = tmp_path / "open.duckdb"
    consumed(otelstream.observe(session(), record=path, redact=False))
    assert (diff(recording, path, session=0).verdict, diff(path, path).verdict) == ("same", "same")


def test_secrets_that_are_recorded_are_compared(tmp_path: Path) -> None:
    """Of two runs with their secrets another key is a difference."""
    path = tmp_path / "open.duckdb"
    consumed(otelstream.observe(session(), record=path, redact=False))
    found = diff(path, frames(key=KEY.replace("proj", "test"))).first
    assert found is not None
    assert found.path == "$.data.inputs.api_key"


def test_text_recordings_are_compared_with_databases(recording: Path, tmp_path: Path) -> None:
    """A text recording of a run is the same as its database."""
    path = tmp_path / "run.jsonl"
    consumed(otelstream.observe(session(), record=path))
    assert diff(path, recording, other=0).verdict == "same"


def test_a_session_that_was_not_consumed_is_refused(recording: Path) -> None:
    """A session that nobody has iterated over has no frames yet, and that is said."""
    with pytest.raises(UsageError) as refused:
        diff(recording, session())
    assert str(refused.value) == (
        "The second session has not been consumed; iterate over it before it is compared."
    )


def test_an_unknown_session_is_refused(recording: Path) -> None:
    """A session that the recording has not is refused, as everywhere."""
    with pytest.raises(SessionNotFoundError):
        diff(recording, recording, other=7)


def test_texts_may_be_cut_elsewhere() -> None:
    """Where only the text of a call counts, its tokens may be cut in any way."""
    cut = frames(pieces=("t", "e", "a"))
    policy = Policy(chunks="text")
    assert (diff(frames(), cut).verdict, diff(frames(), cut, policy=policy).verdict) == ("different", "same")


def test_ordinals_of_whole_texts_are_those_of_the_session() -> None:
    """Where tokens are joined, a difference still has the ordinals of the frames as they came."""
    policy = Policy(chunks="text")
    other = frames("milk", pieces=("t", "e", "a"))
    first = diff(frames(), other, policy=policy).first
    assert first is not None
    assert (first.left, first.right, first.path) == (4, 5, "$.data.response")


def test_the_text_of_joined_tokens_is_compared() -> None:
    """Where tokens are joined, another text is a difference at the first of them."""
    found = diff(frames(), frames(pieces=("te", "e")), policy=Policy(chunks="text"))
    assert found.frames == (6, 6)
    assert found.first is not None
    assert (found.first.left, found.first.path, found.first.right_value) == (2, "$.data.chunk", "tee")


def test_an_unknown_way_of_comparing_tokens_is_refused() -> None:
    """There are two ways, and they are told."""
    with pytest.raises(UsageError) as refused:
        Policy(chunks="words")  # type: ignore[arg-type]  # what is tested
    assert str(refused.value) == "chunks='words' is not known; it is 'exact' or 'text'."
