"""Text recordings are read as they stand there: from anywhere, torn, crashed, or put together by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

import recorder
from otelstream.errors import RecordingError, SessionNotFoundError
from otelstream.frame import frame_json
from recorder.batches import FIRST_FRAMES
from recorder.search import Condition
from recorder.session_row import Gap
from recorder.text.index import MARKED
from recorder.text.lines import frame_line, gap_line, outcome_line
from recorder.text.source import TextSource
from tests.contract.programs import frame, json_of
from tests.recorder.recordings import NOTICED, end, session_id, start
from tests.recorder.text.made import GAP, belonging_to, frames, lines_of, text_of, written

NO_HEADER = (
    "{path} has no header, so it is no recording; if it holds frames, `otelstream ingest {path} --record"
    " X.jsonl` makes a recording of them."
)


def put(path: Path, *parts: bytes) -> Path:
    """A file of these parts."""
    path.write_bytes(b"".join(parts))
    return path


def seen(path: Path) -> list[tuple[str, str, list[int | None]]]:
    """Each session, by its name and state, and the numbers of its frames."""
    with recorder.open(path) as recording:
        return [
            (str(each.start.session_id)[-1], each.state, [frame.seq for frame in recording.frames(each)])
            for each in recording.sessions()
        ]


def test_a_session_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Its start, its end, its frames and where some are missing."""
    lines = lines_of(2)
    outcome = outcome_line(end(2, "failed", frames_dropped=3))
    header, *_ = text_of(0, 0, None).splitlines(keepends=True)
    path = put(tmp_path / "x.jsonl", header, lines[0], gap_line(GAP), lines[1], outcome)
    with recorder.open(path) as recording:
        session = recording.session()
        found = json_of(recording.frames(session))
        gaps = recording.gaps(session)

    assert (session.start, session.end, session.state, session.frame_count) == (
        start(0),
        end(2, "failed", frames_dropped=3),
        "failed",
        2,
    )
    assert (found, gaps) == (json_of(frames(2)), [Gap(1, 3, "queue_full", NOTICED)])


def test_sessions_are_found_by_id_index_and_name(tmp_path: Path) -> None:
    """As in a database; which one is missing is told in one sentence."""
    path = written(tmp_path / "x.jsonl", 1, 2, 3)
    with recorder.open(path) as recording:
        found = [recording.session(name).frame_count for name in ("last", 0, -2, session_id(1), "Orders")]
        with pytest.raises(SessionNotFoundError) as raised:
            recording.session("none")

    assert found == [3, 1, 2, 2, 3]
    assert str(raised.value) == (
        f"{path} has no session 'none'; `otelstream ls {path}` lists its 3, by index, id and name."
    )


def test_files_that_are_put_together_are_one(tmp_path: Path) -> None:
    """`cat` of two recordings is a recording."""
    path = put(tmp_path / "x.jsonl", text_of(0, 2), text_of(1, 1, "cancelled"))

    assert seen(path) == [("1", "completed", [0, 1]), ("2", "cancelled", [0])]


def test_sessions_that_went_on_at_the_same_time(tmp_path: Path) -> None:
    """A line says whose the following ones are."""
    one, two = (text_of(number, 2, None).splitlines(keepends=True) for number in (0, 1))
    rest = lines_of(1, 2)
    path = put(
        tmp_path / "x.jsonl",
        *one,
        *two,
        belonging_to(0),
        *rest,
        belonging_to(1),
        *rest,
        outcome_line(end(3)),
        belonging_to(0),
        outcome_line(end(3, "failed")),
    )

    assert seen(path) == [("1", "failed", [0, 1, 2]), ("2", "completed", [0, 1, 2])]


@pytest.mark.parametrize("first", [0, 1, MARKED - 1, MARKED, MARKED + 1, 2 * MARKED + 9, 2 * MARKED + 10])
def test_frames_from_one_on(first: int, long: Path) -> None:
    """Wherever in a long session, and although another one went on between its lines."""
    with recorder.open(long) as recording:
        found = [each.seq for each in recording.frames(recording.session(0), first)]

    assert found == list(range(first, 2 * MARKED + 10))


def test_a_part_of_a_session_with_its_offsets(long: Path) -> None:
    """A batch says where it begins, and when each of its frames arrived; what comes later is not read."""
    with recorder.open(long) as recording:
        batches = list(recording.batches(recording.session(0), 3, FIRST_FRAMES + 5))
        found = [
            (each.first, list(each.offsets_ns), [frame.seq for frame in each.frames]) for each in batches
        ]

    parts = [range(3, FIRST_FRAMES + 3), range(FIRST_FRAMES + 3, FIRST_FRAMES + 5)]
    assert found == [(part[0], [1_000 * number for number in part], list(part)) for part in parts]


@pytest.mark.parametrize(
    ("condition", "ordinal"),
    [
        (Condition("id", "=", "frame-7"), 7),
        (Condition("type", "=", "no such type"), None),
        (Condition("offset_ns", ">", 1_500_000), 1_501),
    ],
)
def test_a_frame_is_found(condition: Condition, ordinal: int | None, long: Path) -> None:
    """By what a condition says of it."""
    with recorder.open(long) as recording:
        assert recording.find(recording.session(0), condition, 5) == ordinal


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long session, between the lines of which another one goes on."""
    count = 2 * MARKED + 10
    header, *lines = text_of(0, count, None).splitlines(keepends=True)
    parts = [header, text_of(1, 0, None)]
    for at in range(0, count, 700):
        parts += [belonging_to(0), *lines[at : at + 700], belonging_to(1), *lines_of(1, at // 700)]
    parts += [outcome_line(end(count // 700 + 1)), belonging_to(0), outcome_line(end(count))]
    return put(tmp_path_factory.mktemp("long") / "x.jsonl", *parts)


@pytest.mark.parametrize("cut", [1, 30, 400])
def test_a_torn_end_is_passed_over(cut: int, tmp_path: Path) -> None:
    """The session has crashed, with the frames that are whole; nothing is changed."""
    text = text_of(0, 3, None)
    path = put(tmp_path / "x.jsonl", text, text_of(1, 1)[:cut])

    assert seen(path) == [("1", "crashed", [0, 1, 2])]
    assert path.stat().st_size == len(text) + cut


def test_a_recording_cut_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    """At every byte: what is whole is there, the rest was never committed."""
    text = text_of(0, 2)
    ends = [at for at in range(len(text)) if text[at : at + 1] == b"\n"]
    for cut in range(1, len(text)):
        path = put(tmp_path / "x.jsonl", text[:cut])
        whole = sum(cut >= at for at in ends)  # a line without its end is whole, too
        with recorder.open(path) as recording:
            found = [(each.state, each.frame_count) for each in recording.sessions()]
        expected = [] if whole == 0 else [("completed" if whole == 4 else "crashed", min(whole - 1, 2))]
        assert (cut, found) == (cut, expected)


def test_a_last_line_without_its_end_counts(tmp_path: Path) -> None:
    """Editors leave the last line break out."""
    assert seen(put(tmp_path / "x.jsonl", text_of(0, 2)[:-1])) == [("1", "completed", [0, 1])]


def test_a_crashed_session_ends_with_its_last_frame(tmp_path: Path) -> None:
    """Its outcome is cut, at the latest time of its last frames."""
    path = put(tmp_path / "x.jsonl", text_of(0, 3, None))
    with recorder.open(path) as recording:
        session = recording.session()
        times = [each.timestamp for each in recording.frames(session)]

    assert (session.outcome.state, session.outcome.ended_ns) == (
        "cut",
        int(max(times).timestamp()) * 10**9 + max(times).microsecond * 1_000,
    )


def test_what_is_added_is_read(tmp_path: Path) -> None:
    """By a recording that is open already."""
    path = put(tmp_path / "x.jsonl", text_of(0, 1))
    with recorder.open(path) as recording:
        before = len(recording.sessions())
        with path.open("ab") as file:
            file.write(text_of(1, 2))
        found = [each.frame_count for each in recording.sessions()]

    assert (before, found) == (1, [1, 2])


def test_another_file_in_its_place_is_read(tmp_path: Path) -> None:
    """Also one that is longer."""
    path = put(tmp_path / "x.jsonl", text_of(0, 1))
    with recorder.open(path) as recording:
        session = recording.session()
        put(tmp_path / "y.jsonl", text_of(1, 4), text_of(2, 2)).replace(path)
        found = [each.frame_count for each in recording.sessions()]
        with pytest.raises(RecordingError, match=f"session {session.id} is gone; open it again"):
            list(recording.frames(session))

    assert found == [4, 2]


def test_lines_that_a_tool_has_written_anew_are_read(tmp_path: Path) -> None:
    """With blanks, other line ends, empty lines, unknown lines, and fields in another order."""
    text = text_of(0, 2).decode().replace('{"offset_ns":', '{ "by": "hand",  "offset_ns": ')
    lines = text.splitlines()
    path = put(tmp_path / "x.jsonl", "\r\n\r\n".join([*lines[:2], '{"weather":"rain"}', *lines[2:]]).encode())
    with recorder.open(path) as recording:
        (batch,) = recording.batches(recording.session())
        offsets, found = list(batch.offsets_ns), json_of(batch.frames)

    assert (seen(path), offsets, found) == (
        [("1", "completed", [0, 1])],
        [0, 1_000],
        json_of(frames(2)),
    )


DAMAGE: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "a frame": (
        lambda lines: [*lines[:2], lines[2][:50] + b"\n", *lines[3:]],
        "line 3: not valid JSON: ",
    ),
    "a frame's field": (
        lambda lines: [*lines[:2], lines[2].replace(b'"type":', b'"kind":'), *lines[3:]],
        "line 3: not a stream frame: type: Field required; correct or remove that line.",
    ),
    "an outcome": (
        lambda lines: [*lines[:-1], lines[-1].replace(b"completed", b"splendid")],
        "line 5: outcome is 'splendid', none of cancelled, completed, crashed, failed;",
    ),
    "a line too few": (
        lambda lines: [*lines[:2], *lines[3:]],
        "line 4: its session has 2 frames, and frame_count says 3; correct or remove that line.",
    ),
    "a line behind the end": (
        lambda lines: [*lines, lines[1]],
        "line 6: it belongs to no session: none is open above it; correct or remove that line.",
    ),
    "a session that is none": (
        lambda lines: [*lines[:-1], belonging_to(7), lines[-1]],
        f"line 5: no session {session_id(7)} is open above it; correct or remove that line.",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    """In one sentence that says what is wrong, where, and what to do."""
    damage, sentence = DAMAGE[name]
    path = put(tmp_path / "x.jsonl", *damage(text_of(0, 3).splitlines(keepends=True)))
    with pytest.raises(RecordingError) as raised:
        seen(path)

    assert str(raised.value).startswith(f"{path} is damaged: {sentence}")


def test_the_sessions_beside_a_damaged_frame_are_read(tmp_path: Path) -> None:
    """And so are the frames before it."""
    bad = text_of(0, 2).replace(b'"seq":1', b'"seq":"x"')
    path = put(tmp_path / "x.jsonl", bad, text_of(1, 2))
    with recorder.open(path) as recording:
        frames_of_first = recording.frames(recording.session(0))
        first = next(frames_of_first)
        with pytest.raises(RecordingError, match=r"line 3: not a stream frame: seq: "):
            next(frames_of_first)
        other = list(recording.frames(recording.session(1)))

    assert (first.seq, len(other)) == (0, 2)


@pytest.mark.parametrize(
    "text", [b"tea\n", frame_json(frame()).encode() + b"\n", b"{}", b"[1]\n", b"\xff\xfe"]
)
def test_another_file_is_no_recording(text: bytes, tmp_path: Path) -> None:
    """The sentence says how to make one of frames."""
    path = put(tmp_path / "x.jsonl", text)
    with pytest.raises(RecordingError) as raised:
        recorder.open(path)

    assert str(raised.value) == NO_HEADER.format(path=path)


def test_frames_before_the_first_header_are_refused(tmp_path: Path) -> None:
    """They belong to nothing."""
    path = put(tmp_path / "x.jsonl", frame_line(frame(), 0), text_of(0, 1))
    with pytest.raises(RecordingError, match=r"has no header"):
        recorder.open(path)


def test_an_empty_file_has_no_session(tmp_path: Path) -> None:
    """As a recording that was just begun."""
    path = put(tmp_path / "x.jsonl")
    with pytest.raises(SessionNotFoundError) as raised:
        recorder.replay(path)

    assert str(raised.value) == f"{path} holds no session; record one first."


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing.jsonl", "{path} does not exist; check the path."),
        (
            "newer.jsonl",
            "{path} has text form 9, newer than the 1 that this version reads; upgrade otelstream.",
        ),
        (
            "folder.jsonl/x.jsonl/y.jsonl",
            "{path} cannot be used: Not a directory; check the path and its permissions.",
        ),
    ],
)
def test_what_cannot_be_read_is_told(name: str, sentence: str, tmp_path: Path) -> None:
    """In one sentence."""
    put(tmp_path / "newer.jsonl", text_of(0, 1).replace(b'recording":1', b'recording":9'))
    (tmp_path / "folder.jsonl").mkdir()
    put(tmp_path / "folder.jsonl" / "x.jsonl")
    with pytest.raises(RecordingError) as raised:
        recorder.open(tmp_path / name)

    assert str(raised.value) == sentence.format(path=tmp_path / name)


def test_a_replay_gives_frames_result_and_flags(tmp_path: Path) -> None:
    """As the run did."""
    replayed = recorder.replay(written(tmp_path / "x.jsonl", 3))

    assert (json_of(replayed), replayed.result, replayed.is_completed) == (json_of(frames(3)), "done", True)


def test_a_replay_starts_no_database(tmp_path: Path) -> None:
    """Nor does it import one; hundreds of tests replay their recordings."""
    path = written(tmp_path / "x.jsonl", 3)
    program = (
        "import sys, recorder\n"
        "assert len(list(recorder.replay(sys.argv[1]))) == 3\n"
        "with recorder.open(sys.argv[1]) as recording: recording.gaps(recording.session())\n"
        "print([name for name in ('duckdb', 'crewai', 'opentelemetry', 'typer') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_ids_that_come_twice(tmp_path: Path) -> None:
    """The more complete of two records of a session is read, though both are in one file."""
    path = put(tmp_path / "x.jsonl", text_of(0, 2, None), text_of(0, 3), text_of(1, 1))

    assert seen(path) == [("1", "completed", [0, 1, 2]), ("2", "completed", [0])]


def test_a_header_says_all_that_is_known_of_a_start(tmp_path: Path) -> None:
    """A field that is missing is null, where it may be."""
    text = text_of(0, 1).replace(b'"entry_point":"shop.flows:Orders",', b"")
    with recorder.open(put(tmp_path / "x.jsonl", text)) as recording:
        assert recording.session().start == replace(start(0), entry_point=None)


def test_a_pipe_is_no_recording(tmp_path: Path) -> None:
    """Whoever opened it would wait for ever."""
    path = tmp_path / "x.jsonl"
    os.mkfifo(path)
    sentences = []
    for read in (recorder.open, recorder.replay, lambda named: TextSource(named, Mock()).check()):
        with pytest.raises(RecordingError) as raised:
            read(path)
        sentences.append(str(raised.value))

    assert sentences == [f"{path} is no regular file, so no recording; check the path."] * 3


def test_threads_read_one_recording(long: Path) -> None:
    """At the same time, while one that is new to it is added."""
    path = put(long.with_name("grows.jsonl"), long.read_bytes())
    with recorder.open(path) as recording, ThreadPoolExecutor(4) as pool:
        session = recording.session(0)
        reading = [pool.submit(lambda: sum(1 for _ in recording.frames(session))) for _ in range(4)]
        with path.open("ab") as file:
            file.write(text_of(2, 1))
        counts = {each.result() for each in reading}
        found = len(recording.sessions())

    assert (counts, found) == ({2 * MARKED + 10}, 3)
