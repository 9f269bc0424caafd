"""Writing text: what is committed is there, whoever dies; a file belongs to one writer at a time."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import recorder
from otelstream.errors import RecordingError
from recorder.session_row import SessionEnd
from recorder.text.lines import gap_line, header_line, outcome_line
from recorder.text.locks import is_locked
from recorder.text.writer import TextWriter
from tests.recorder.recordings import end, session_id, start
from tests.recorder.test_writer import SPAN
from tests.recorder.text.made import GAP, add, belonging_to, frames, lines_of, text_of, written
from tests.recorder.text.test_reading import put, seen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a recording shall be."""
    return tmp_path / "x.jsonl"


@pytest.fixture
def writer(path: Path) -> Iterator[TextWriter]:
    """A writer of a new file."""
    with closing(TextWriter(path)) as made:
        yield made


def test_a_session_is_written_line_by_line(writer: TextWriter, path: Path) -> None:
    """Header, frames and gaps in their order, outcome; spans follow from the frames."""
    writer.begin(start(0))
    lines = lines_of(2)
    each = frames(2)
    writer.add(session_id(0), 0, 0, each[0])
    writer.add_gap(session_id(0), *GAP)
    writer.add(session_id(0), 1, 1_000, each[1])
    writer.add_spans(session_id(0), [SPAN])
    writer.end(session_id(0), end(2, frames_dropped=3))
    writer.flush()

    assert path.read_bytes() == b"".join(
        [header_line(start(0)), lines[0], gap_line(GAP), lines[1], outcome_line(end(2, frames_dropped=3))]
    )


def test_nothing_is_there_before_it_is_committed(writer: TextWriter, path: Path) -> None:
    """And all of it afterwards, while the session goes on."""
    writer.begin(start(0))
    writer.add(session_id(0), 0, 0, frames(1)[0])
    before = (path.read_bytes(), writer.pending)
    writer.flush()

    assert (before, path.read_bytes(), writer.pending) == ((b"", 1), text_of(0, 1, None), 0)


def test_sessions_at_the_same_time_alternate_by_commits(writer: TextWriter, path: Path) -> None:
    """A line says whose the following ones are, where that changes."""
    add(writer, 0, frames(1))
    add(writer, 1, frames(1))
    for number in (1, 0):
        writer.add(session_id(number), 1, 1_000, frames(2)[1])
        writer.flush()
    for number in (0, 1):
        writer.end(session_id(number), end(2))
    writer.flush()

    (second,) = lines_of(1, 1)
    assert path.read_bytes() == b"".join(
        [
            *(text_of(0, 1, None), text_of(1, 1, None)),
            *(second, belonging_to(0), second, outcome_line(end(2)), belonging_to(1), outcome_line(end(2))),
        ]
    )
    assert seen(path) == [("1", "completed", [0, 1]), ("2", "completed", [0, 1])]


def test_a_session_that_goes_on_is_being_recorded(writer: TextWriter, path: Path) -> None:
    """For readers in this process as in others."""
    add(writer, 0, frames(2))
    other = (
        "import sys, recorder\n"
        "with recorder.open(sys.argv[1]) as recording: print(recording.session().state, recording.live)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", other, str(path)], capture_output=True, text=True, check=True
    )

    assert (seen(path), done.stdout) == ([("1", "recording", [0, 1])], "recording True\n")


def test_a_closed_file_is_free(path: Path) -> None:
    """And its session without an outcome has crashed."""
    with closing(TextWriter(path)) as writer:
        add(writer, 0, frames(1))
        while_open = is_locked(path)

    assert (while_open, is_locked(path), seen(path)) == (True, False, [("1", "crashed", [0])])


def test_a_later_writer_appends(path: Path) -> None:
    """What is there stays as it is, byte for byte."""
    written(path, 1)
    before = path.read_bytes()
    with closing(TextWriter(path)) as writer:
        add(writer, 1, frames(2))

    assert path.read_bytes() == before + text_of(1, 2, None)


def test_what_a_dead_process_left_is_brought_to_an_end(path: Path) -> None:
    """The torn line goes; sessions without an outcome are told to have crashed, with what is missing."""
    torn = text_of(2, 1)[:70]
    put(path, text_of(0, 3, None), gap_line(GAP), text_of(1, 1), torn)
    TextWriter(path).close()

    crashed = SessionEnd(
        ended_at=start(0).started_at.replace(microsecond=start(0).started_at.microsecond + 2),
        state="crashed",
        frame_count=3,
        frames_dropped=3,
        trace_id=None,
        result=None,
        error_type=None,
        error_message=None,
        error=None,
    )
    assert path.read_bytes() == b"".join(
        [text_of(0, 3, None), gap_line(GAP), text_of(1, 1), belonging_to(0), outcome_line(crashed)]
    )
    assert seen(path) == [("1", "crashed", [0, 1, 2]), ("2", "completed", [0])]


def test_a_last_line_without_its_end_gets_one(path: Path) -> None:
    """It is whole, so it stays."""
    put(path, text_of(0, 1)[:-1])
    TextWriter(path).close()

    assert path.read_bytes() == text_of(0, 1)


@pytest.mark.parametrize(
    "text", [b"tea\n", b'{"id":"a"}\n', text_of(0, 2).replace(b'"outcome":', b'"outcome":7')]
)
def test_what_is_no_sound_recording_is_left_alone(text: bytes, path: Path) -> None:
    """Nothing is appended to somebody else's file, nor to a damaged one."""
    put(path, text)
    with pytest.raises(RecordingError):
        TextWriter(path)

    assert (path.read_bytes(), is_locked(path)) == (text, False)


def test_two_writers_of_this_process_are_one_too_many(writer: TextWriter, path: Path, tmp_path: Path) -> None:
    """Also by another name of the file."""
    (tmp_path / "link.jsonl").symlink_to(path)
    (tmp_path / "hard.jsonl").hardlink_to(path)
    for name in ("x.jsonl", "link.jsonl", "hard.jsonl"):
        with pytest.raises(RecordingError) as raised:
            TextWriter(tmp_path / name, patience_s=0)
        assert str(raised.value) == f"{tmp_path / name} is already being recorded by this process."


def test_a_file_that_another_process_writes_is_taken(path: Path) -> None:
    """It is waited for, for as long as was asked; then one sentence says what to do."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom recorder.text.writer import TextWriter\n"
        "writer = TextWriter(Path(sys.argv[1]))\nprint('has it', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"has it\n"
        with pytest.raises(RecordingError) as raised:
            TextWriter(path, patience_s=0)
        process.stdin.close()
        TextWriter(path, patience_s=20).close()

    assert (str(raised.value), raised.value.fault) == (
        f"{path} is being written by another process; try a file of its own.",
        "taken",
    )


def test_a_file_that_was_taken_away_gets_nothing_more(writer: TextWriter, path: Path) -> None:
    """Nor does the one that stands in its place."""
    add(writer, 0, frames(1))
    path.rename(path.with_name("moved.jsonl"))
    put(path, b"mine")
    writer.add(session_id(0), 1, 1, frames(2)[1])
    with pytest.raises(RecordingError) as raised:
        writer.flush()

    assert (raised.value.fault, path.read_bytes()) == ("missing", b"mine")
    assert seen(path.with_name("moved.jsonl"))[0][2] == [0]


def test_a_commit_that_fails_leaves_nothing(
    writer: TextWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the beginning of a line that the disk still had room for."""
    add(writer, 0, frames(1))
    before, write = path.read_bytes(), os.write

    def fail_after_some(descriptor: int, text: bytes) -> int:
        if len(text) < 400:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, text[:200])

    monkeypatch.setattr(os, "write", fail_after_some)
    writer.add(session_id(0), 1, 1, frames(2)[1])
    with pytest.raises(RecordingError) as raised:
        writer.flush()

    assert (str(raised.value), raised.value.fault) == (
        f"{path} cannot be written: No space left on device.",
        "disk",
    )
    assert path.read_bytes() == before


def test_a_commit_is_on_the_disk(writer: TextWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one write and one synchronisation, however many sessions have something in it."""
    calls: list[str] = []
    write, sync = os.write, os.fsync

    def noted_write(descriptor: int, text: bytes) -> int:
        calls.append("write")
        return write(descriptor, text)

    def noted_sync(descriptor: int) -> None:
        calls.append("fsync")
        sync(descriptor)

    monkeypatch.setattr(os, "write", noted_write)
    monkeypatch.setattr(os, "fsync", noted_sync)
    writer.begin(start(0))
    writer.begin(start(1))
    writer.flush()
    writer.flush()

    assert calls == ["write", "fsync"]


def test_a_fork_leaves_the_file_to_its_parent(path: Path) -> None:
    """The child holds no lock, also when the parent is gone, and writes nothing."""
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom recorder.text.locks import is_locked\n"
        "from recorder.text.writer import TextWriter\n"
        "writer = TextWriter(Path(sys.argv[1]))\n"
        "child = os.fork()\n"
        "if not child:\n    sys.stdin.read()\n    os._exit(0)\n"
        "print(is_locked(writer.path))\n"
        "writer.close()\n"
        "print(is_locked(writer.path), flush=True)\n"
        "os._exit(0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.stdin.close()  # type: ignore[union-attr]  # a pipe, as was asked for

    assert lines == [b"True\n", b"False\n"]


def test_the_folders_above_are_made(tmp_path: Path) -> None:
    """As for a database."""
    assert seen(written(tmp_path / "a" / "b" / "x.jsonl", 1)) == [("1", "completed", [0])]


def test_an_empty_file_is_taken(path: Path) -> None:
    """And not replaced: somebody may have it open."""
    put(path)
    inode = path.stat().st_ino
    written(path, 1)

    assert (seen(path), path.stat().st_ino) == ([("1", "completed", [0])], inode)


def test_a_name_that_a_database_cannot_have(tmp_path: Path) -> None:
    """DuckDB is not asked for it."""
    path = written(tmp_path / "what?.jsonl", 1)
    with recorder.open(path) as recording:
        assert recording.sql("SELECT count(*) FROM frames").rows() == [(1,)]


def test_names_are_written_as_a_database_has_them(writer: TextWriter, path: Path) -> None:
    """Lone surrogates as their escapes."""
    writer.begin(replace(start(0), name="caf\udce9"))
    writer.flush()
    with recorder.open(path) as recording:
        assert recording.session().start.name == "caf\\udce9"
