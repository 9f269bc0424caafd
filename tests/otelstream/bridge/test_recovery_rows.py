"""Rows that are lost are told, also where nobody knows any more which session they belonged to."""

from __future__ import annotations

from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.bridge.recovery import recover
from otelstream.span.options import SpanOptions
from tests.conftest import frames_of
from tests.e2e.runs import session
from tests.e2e.test_user_rows import ROWS, frames
from tests.otelstream.bridge.recoveries import BLOCK, block_of, blocks_of, long, of, overwrite, recovered
from tests.recorder.recordings import content, finished, killed, record, writing


def test_frames_and_chain_that_are_lost_without_an_end_are_told(tmp_path: Path) -> None:
    """Nothing says any more how many there were but the tables themselves."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        record(writer, 0, frames_of("20_long_5000_chunks")[:300], None)
    where = blocks_of(path, "chain") | blocks_of(path, "stored_frames")
    for at in where:
        overwrite(path, at, bytes(BLOCK))
    recovery, _ = recovered(path)
    told = of(recovery, 0)

    assert (recovery.is_complete, recovery.cut, told.frames) == (False, True, 0)
    assert told.notes == [
        "rows of the hash chain cannot be read and it has no end, so that nobody knows whether frames are"
        " missing"
    ]
    assert recovery.notes[-1] == "300 rows of stored_frames are lost, and nobody knows where they belonged"


def test_an_end_that_cannot_be_read_is_lost(tmp_path: Path) -> None:
    """Blocks in the place of one another have the right checksums, and the wrong content."""
    path = long(tmp_path / "run.duckdb")
    before, data = content(path), path.read_bytes()
    first, second = block_of(path, "header"), block_of(path, "session_ends")
    overwrite(path, first, data[second : second + BLOCK])
    overwrite(path, second, data[first : first + BLOCK])
    recovery, found = recovered(path)

    assert recovery.is_complete is False
    assert [each.notes for each in recovery.sessions] == [["how it ended is lost"]] * 2
    assert [each.frames for each in found.values()] == [each.frames for each in before.values()]


def test_an_end_that_the_chain_cannot_be_asked_about_is_unchecked(tmp_path: Path) -> None:
    """It is what was recorded for all that is known."""
    path = long(tmp_path / "run.duckdb")
    before = content(path)
    overwrite(path, block_of(path, "chain"), bytes(BLOCK))
    recovery, found = recovered(path)

    assert [each.notes for each in recovery.sessions] == [
        ["how it ended cannot be checked, as rows of the hash chain cannot be read"]
    ] * 2
    assert found == before


@pytest.mark.parametrize("cut", [0, 7])
def test_what_came_after_the_last_commit_is_not_known(cut: int, tmp_path: Path) -> None:
    """A WAL that was cut looks like that of a killed process: neither is said to be all."""
    path = killed(tmp_path / "run.duckdb")
    log = path.with_name("run.duckdb.wal")
    log.write_bytes(log.read_bytes()[: log.stat().st_size - cut])
    recovery, _ = recovered(path)

    assert (recovery.is_complete, recovery.open_ended) == (True, True)


def test_of_finished_sessions_all_is_known(tmp_path: Path) -> None:
    """Nothing came after their ends."""
    assert recovered(finished(tmp_path / "run.duckdb"))[0].open_ended is False


def test_spans_of_the_users_own_types_are_made_again(tmp_path: Path) -> None:
    """With the same rows that the recording was made with."""
    path = tmp_path / "run.duckdb"
    list(otelstream.observe(session(frames()), record=path, spans=SpanOptions(rows=ROWS)))
    recover(path, tmp_path / "new.duckdb", rows=ROWS)
    query = "SELECT name FROM spans ORDER BY started_at"
    names = [recorder.open(each).sql(query).rows() for each in (path, tmp_path / "new.duckdb")]

    assert names == [[("invoke_workflow Shop",), ("method ship",), ("ship pigeon",)]] * 2
