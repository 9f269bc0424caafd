"""Old formats: frozen recordings open for ever, with everything that is in them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

import recorder
from otelstream.frame import frame_json
from recorder import migrate
from recorder.doctor import examine
from recorder.schema import FORMAT_VERSION, statements
from recorder.source import reading
from recorder.writer import Writer
from tests.recorder.recordings import FROZEN, bytes_of, change, record, thaw, tokens, writing

ROOT = Path(__file__).parents[2]
FORMATS = sorted(
    str(path.relative_to(FROZEN)).removesuffix(".jsonl.gz") for path in FROZEN.glob("*/*.jsonl.gz")
)
OLD = [name for name in FORMATS if not name.startswith(f"format-{FORMAT_VERSION}/")]


def told(name: str) -> list[dict[str, Any]]:
    """What was written down of a frozen recording when it was made, session by session."""
    lines = gzip.decompress((FROZEN / f"{name}.jsonl.gz").read_bytes()).decode().splitlines()
    return [json.loads(line) for line in lines]


def found(path: Path) -> list[dict[str, Any]]:
    """The same of what is read."""
    query = "SELECT session_id, list(offset_ns ORDER BY ordinal) FROM frames GROUP BY session_id"
    with recorder.open(path) as recording:
        offsets = {str(key): told for key, told in recording.sql(query)}
        return [_facts(recording, each, offsets.get(each.id, [])) for each in recording.sessions()]


def _facts(
    recording: recorder.Recording, session: recorder.RecordedSession, offsets: object
) -> dict[str, Any]:
    start, end = session.start, session.end
    return {
        "id": session.id,
        "state": session.state,
        "mode": start.mode,
        "name": start.name,
        "entry_point": start.entry_point,
        "started_at": start.started_at.isoformat(),
        "ended_at": None if end is None else end.ended_at.isoformat(),
        "result": None if end is None else end.result,
        "error_type": None if end is None else end.error_type,
        "error_message": None if end is None else end.error_message,
        "error": None if end is None else end.error,
        "frames_dropped": None if end is None else end.frames_dropped,
        "offsets_ns": offsets,
        "frames": [frame_json(each) for each in recording.frames(session)],
    }


@pytest.mark.parametrize("name", FORMATS)
def test_a_frozen_recording_holds_what_was_recorded(name: str, tmp_path: Path) -> None:
    """Every session comes out with its frames, result, error and state, byte for byte."""
    assert found(thaw(name, tmp_path)) == told(name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_writer_changes_nothing_of_a_frozen_recording(name: str, tmp_path: Path) -> None:
    """Opened for writing it is brought to the current format; the one that crashed is marked so."""
    path = thaw(name, tmp_path)
    Writer(path).close()
    expected = told(name)
    for session, now in zip(expected, found(path), strict=True):
        if session["ended_at"] is None:
            session |= {key: now[key] for key in ("ended_at", "frames_dropped")}

    assert found(path) == expected


@pytest.mark.parametrize("name", OLD)
def test_reading_changes_no_byte(name: str, tmp_path: Path) -> None:
    """Readers take a migrated copy: file and WAL stay as they are."""
    path = thaw(name, tmp_path)
    before = bytes_of(path)
    found(path)

    assert bytes_of(path) == before


@pytest.mark.parametrize("name", OLD)
def test_a_writer_leaves_one_file_of_the_current_format(name: str, tmp_path: Path) -> None:
    """The migrated file is in the place of the old one, and nothing is left beside it."""
    path = thaw(name, tmp_path)
    path.chmod(0o640)
    Writer(path).close()
    with duckdb.connect(path, read_only=True) as connection:
        version = connection.execute("SELECT format_version FROM header").fetchall()

    assert (version, os.listdir(tmp_path), path.stat().st_mode & 0o777) == (
        [(FORMAT_VERSION,)],
        [path.name],
        0o640,
    )


def test_a_link_to_an_old_recording_stays_a_link(tmp_path: Path) -> None:
    """It is the file behind the link that is replaced."""
    path = thaw("format-1/finished", tmp_path)
    link = tmp_path / "link.duckdb"
    link.symlink_to(path)
    Writer(link).close()
    with duckdb.connect(path, read_only=True) as connection:
        version = connection.execute("SELECT format_version FROM header").fetchall()

    assert (link.is_symlink(), version) == (True, [(FORMAT_VERSION,)])


def test_old_sessions_have_neither_chain_nor_spans(tmp_path: Path) -> None:
    """What was not recorded is not made up."""
    path = thaw("format-1/finished", tmp_path)
    query = (
        "SELECT (SELECT count(*) FROM chain), (SELECT count(*) FROM stored_spans),"
        " (SELECT count(digest) + count(span_count) FROM session_ends)"
    )
    with reading(path) as connection:
        assert connection.execute(query).fetchall() == [(0, 0, 0)]


def test_new_sessions_follow_old_ones(tmp_path: Path) -> None:
    """A recording that was migrated goes on with the next number."""
    path = thaw("format-1/finished", tmp_path)
    numbers = "SELECT session FROM session_starts ORDER BY session"
    with reading(path) as connection:
        before = connection.execute(numbers).fetchall()
    with writing(path) as writer:
        record(writer, 0, tokens(3))
    with reading(path) as connection:
        after = connection.execute(numbers).fetchall()

    assert (before, after) == ([(n,) for n in range(7)], [(n,) for n in range(8)])


@pytest.fixture
def lossy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that brings over only nine frames."""
    read = statements

    def damaged(name: str) -> str:
        return read(name).replace("FROM before.frames AS f\n", "FROM (FROM before.frames LIMIT 9) AS f\n")

    monkeypatch.setattr(migrate, "statements", damaged)


@pytest.mark.usefixtures("lossy")
@pytest.mark.parametrize("act", [recorder.open, Writer])
def test_a_migration_that_loses_rows_fails(act: Callable[[Path], object], tmp_path: Path) -> None:
    """Counts are compared, and one sentence says what is missing."""
    path = thaw("format-1/finished", tmp_path)
    with pytest.raises(recorder.RecordingError) as raised:
        act(path)

    assert str(raised.value) == (
        f"{path} has recording format 1 and cannot be brought to {FORMAT_VERSION}: 9 of 367 rows of frames"
        " arrived; it was left as it is."
    )


@pytest.mark.usefixtures("lossy")
@pytest.mark.parametrize("name", OLD)
def test_a_migration_that_fails_changes_no_byte(name: str, tmp_path: Path) -> None:
    """File and WAL are as they were, and nothing is left beside them."""
    path = thaw(name, tmp_path)
    before = bytes_of(path)
    with pytest.raises(recorder.RecordingError):
        Writer(path)

    assert (bytes_of(path), sorted(os.listdir(tmp_path))) == (before, sorted(before))


def test_a_recording_that_is_migrated_cannot_be_opened_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that wants to write it is told so: nothing it wrote could get lost."""
    path = thaw("format-1/finished", tmp_path)
    told = []
    steps = dict(migrate.STEPS)

    def step(connection: duckdb.DuckDBPyConnection) -> None:
        script = "import sys, pathlib, recorder.writer; recorder.writer.Writer(pathlib.Path(sys.argv[1]))"
        command = [sys.executable, "-c", script, str(path)]
        told.append(subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stderr)
        steps[1](connection)

    monkeypatch.setattr(migrate, "STEPS", {1: step})
    Writer(path).close()

    assert [f"{path} is being written by another process" in each for each in told] == [True]


def test_an_empty_previous_id_stays_one(tmp_path: Path) -> None:
    """Format 2 writes none as an empty text, so a frame that really has an empty one is kept whole."""
    path = thaw("format-1/finished", tmp_path)
    with recorder.open(path) as recording:
        frames = [each for session in recording.sessions() for each in recording.frames(session)]

    assert [each.id for each in frames if each.previous_id == ""] == [""]


def test_a_foreign_view_reaches_no_file(tmp_path: Path) -> None:
    """An old recording whose table is a view over another file is refused, and that file is not read."""
    path = thaw("format-1/finished", tmp_path)
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    view = f"CREATE VIEW session_ends AS FROM read_csv('{tmp_path / 'secret.csv'}')"
    change(path, "DROP VIEW sessions", "DROP TABLE session_ends", view)
    with pytest.raises(recorder.RecordingError, match="cannot be brought to"):
        recorder.open(path)


@pytest.mark.parametrize("name", [name for name in FORMATS if not name.startswith("format-1/")])
def test_the_chain_of_a_frozen_recording_fits(name: str, tmp_path: Path) -> None:
    """Digests that were written then are those that are computed now."""
    found = examine(thaw(name, tmp_path))

    assert (found.is_sound, found.vouched) == (True, sum(len(each["frames"]) for each in told(name)))
