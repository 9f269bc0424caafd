"""Recovering: what is salvaged is what was recorded, and what is lost has a name.

With `OTELSTREAM_CORRUPTIONS` set, as in `tests/e2e/test_corruption.py`, more places are damaged.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

import pytest

import recorder
from otelstream.bridge.recovery import Recovery, recover
from recorder import wal
from recorder.blocks import FIRST_BLOCK
from recorder.doctor import examine
from tests.otelstream.bridge.recoveries import block_of, long, noise, of, overwrite, recovered
from tests.recorder.recordings import (
    Content,
    bytes_of,
    change,
    content,
    finished,
    killed,
    record,
    session_id,
    thaw,
    tokens,
    writing,
)

THOROUGH: Final = "OTELSTREAM_CORRUPTIONS" in os.environ
PERCENT: Final = range(0, 100, 11 if THOROUGH else 33)
"""How far into a file a bit is wrong."""

HEADERS: Final = [0, 8, 60, 130, 4_096, 4_110, 8_192] if THOROUGH else [0, 130, 4_110, 8_192]
"""Bytes of the headers: the checksum, then what it is of, of each of the three."""


class Sound(NamedTuple):
    """A recording with nothing wrong, what is beside it before it is recovered, and what comes out."""

    path: Path
    before: list[str]
    recovery: Recovery
    found: dict[str, Content]


@pytest.fixture(scope="module", params=[finished, killed], ids=["finished", "killed"])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """A recording with nothing wrong, and its recovery."""
    path = request.param(tmp_path_factory.mktemp("sound") / "run.duckdb")
    before = sorted(os.listdir(path.parent))
    return Sound(path, before, *recovered(path))


def test_a_sound_recording_comes_out_as_it_is(sound: Sound) -> None:
    """Every session, with all that was recorded; one that crashed has crashed."""
    recovery = sound.recovery

    assert (recovery.is_complete, recovery.notes, sound.found) == (True, [], content(sound.path))


def test_what_comes_out_is_vouched_for(sound: Sound) -> None:
    """The new recording has a hash chain of its own."""
    found = examine(sound.recovery.output)

    assert (found.is_sound, found.vouched) == (True, found.frames)


@pytest.mark.parametrize("name", ["format-1/finished", "format-1/crashed"])
def test_an_old_recording_comes_out_whole(name: str, tmp_path: Path) -> None:
    """Also where its process was killed; no chain vouches for its frames."""
    path = thaw(name, tmp_path)
    recovery, found = recovered(path)

    assert (recovery.is_complete, sum(each.vouched for each in recovery.sessions)) == (True, 0)
    assert found == content(path)


def test_the_input_is_not_changed(tmp_path: Path) -> None:
    """Not a byte, not a time, and it may be read-only."""
    (tmp_path / "in").mkdir()
    path = killed(tmp_path / "in" / "run.duckdb")
    overwrite(path.with_name("run.duckdb.wal"), 5_000, noise(100))
    for each in path.parent.iterdir():
        each.chmod(0o400)
    path.parent.chmod(0o500)
    before = bytes_of(path), [each.stat().st_mtime_ns for each in sorted(path.parent.iterdir())]
    try:
        recover(path, tmp_path / "recovered.duckdb")
        after = bytes_of(path), [each.stat().st_mtime_ns for each in sorted(path.parent.iterdir())]
    finally:
        path.parent.chmod(0o700)

    assert after == before


def test_nothing_is_left_beside_the_output(sound: Sound) -> None:
    """The new recording is one file, and temporary ones are gone."""
    assert sorted(os.listdir(sound.path.parent)) == ["recovered.duckdb", *sound.before]


def test_a_damaged_commit_in_the_wal_is_named(tmp_path: Path) -> None:
    """The frames of that commit are a gap, and all others are what was recorded."""
    path = killed(tmp_path / "run.duckdb")
    before = content(path)[str(session_id(1))]
    log = path.with_name("run.duckdb.wal")
    data = log.read_bytes()
    ends = [each.end for each in wal._entries(data, wal.examine(log).beginning, {}) if each.commits]
    overwrite(log, ends[0] + 80, noise(64))
    recovery, found = recovered(path)

    assert recovery.notes == [
        f"the WAL is damaged from byte {ends[0]} to {ends[1]}; the commits in between are lost"
    ]
    # The first frame behind it refers to the one before it, which is lost.
    assert (of(recovery, 1).lost, recovery.is_complete, recovery.cut) == ([(10, 20)], False, True)
    assert found[str(session_id(1))] == before._replace(
        frames=before.frames[:10] + before.frames[21:], gaps=[(10, 11, "damaged")]
    )


def test_a_wal_without_its_file_is_enough_for_its_sessions(tmp_path: Path) -> None:
    """What the file held is lost, what the log held is not."""
    path = killed(tmp_path / "run.duckdb")
    before = content(path)
    path.write_bytes(b"")
    recovery, found = recovered(path)

    assert (recovery.is_complete, found) == (
        False,
        {key: before[key] for key in (str(session_id(1)), str(session_id(2)))},
    )


def test_the_wal_of_another_file_is_left_out(tmp_path: Path) -> None:
    """It is told, and the file is recovered without it."""
    path = finished(tmp_path / "run.duckdb")
    other = killed(tmp_path / "other.duckdb")
    log = other.with_name("other.duckdb.wal").rename(tmp_path / "run.duckdb.wal")
    size = log.stat().st_size
    recovery, found = recovered(path)

    assert recovery.notes == [f"the WAL of {size} bytes belongs to another file; it was left out"]
    assert len(found) == 2


def test_a_damaged_block_loses_what_the_chain_cannot_vouch_for(tmp_path: Path) -> None:
    """Of a block that is damaged all commits are salvaged that are what was committed."""
    path = long(tmp_path / "run.duckdb")
    before = content(path)
    at = block_of(path, "stored_frames")
    overwrite(path, at + 2_000, noise(640))
    recovery, found = recovered(path)
    for session in recovery.sessions:
        lost = {ordinal for first, last in session.lost for ordinal in range(first, last + 1)}
        frames = before[session.session].frames
        expected = [each for ordinal, each in enumerate(frames) if ordinal not in lost]

        assert found[session.session].frames == expected
    assert f"the block at byte {at} is damaged" in recovery.notes


@pytest.mark.parametrize("part", PERCENT)
def test_one_wrong_bit_loses_nothing(part: int, tmp_path: Path) -> None:
    """Its checksum tells which bit, or the hash chain: wherever it is, also in what DuckDB needs to open."""
    path = long(tmp_path / "run.duckdb")
    before = content(path)
    data = path.read_bytes()
    at = FIRST_BLOCK + (len(data) - FIRST_BLOCK) * part // 100 + 1_000
    overwrite(path, at, bytes((data[at] ^ 0x08,)))
    recovery, found = recovered(path)

    assert (recovery.is_complete, found) == (True, before)


@pytest.mark.parametrize("at", HEADERS)
def test_damage_in_a_header_loses_nothing(at: int, tmp_path: Path) -> None:
    """The headers of a file are mended or made anew."""
    path = killed(tmp_path / "run.duckdb")
    before = content(path)
    overwrite(path, at, noise(1))
    recovery, found = recovered(path)

    assert (recovery.is_complete, found) == (True, before)


def test_garbage_at_the_end_is_no_matter(tmp_path: Path) -> None:
    """What a file has beyond its last block was never a part of it."""
    path = finished(tmp_path / "run.duckdb")
    before = content(path)
    with path.open("ab") as file:
        file.write(noise(100_000))

    assert recovered(path)[1] == before


def test_a_start_that_is_lost_is_made_up(tmp_path: Path) -> None:
    """The frames are there, and it is said that id and time are not the session's own."""
    path = finished(tmp_path / "run.duckdb")
    before = content(path)[str(session_id(1))]
    change(path, "DELETE FROM session_starts WHERE session = 1")
    recovery, found = recovered(path)
    (made_up,) = [each for each in recovery.sessions if each.session != str(session_id(0))]

    assert made_up.notes == ["how it started is lost; its id and the time are made up from its first frame"]
    assert (found[made_up.session], recovery.is_complete) == (before, False)


def test_a_made_up_start_is_the_same_each_time(tmp_path: Path) -> None:
    """Recovering again gives the same id, so that a merge takes the session once."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "DELETE FROM session_starts WHERE session = 1")
    ids = [
        [each.session for each in recover(path, tmp_path / f"{number}.duckdb").sessions]
        for number in range(2)
    ]

    assert ids[0] == ids[1]


def test_an_end_that_is_lost_reads_crashed(tmp_path: Path) -> None:
    """Its frames are all there, and how it ended is not known."""
    path = finished(tmp_path / "run.duckdb")
    before = content(path)[str(session_id(0))]
    change(path, "DELETE FROM session_ends WHERE session = 0")
    _, found = recovered(path)

    assert found[str(session_id(0))] == before._replace(state="crashed", result=None, error=None)


def test_frames_that_are_lost_at_the_end_are_counted(tmp_path: Path) -> None:
    """What the chain and the end say was there."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "DELETE FROM stored_frames WHERE session = 1 AND ordinal >= 25")
    recovery, found = recovered(path)
    with recorder.open(tmp_path / "recovered.duckdb") as recording:
        ended = recording.session(str(session_id(1))).end

    assert (of(recovery, 1).lost, found[str(session_id(1))].gaps) == ([(25, 29)], [(25, 5, "damaged")])
    assert ended is not None
    assert (ended.state, ended.frame_count, ended.frames_dropped) == ("completed", 25, 5)


def test_what_somebody_changed_is_told(tmp_path: Path) -> None:
    """The frames are copied, and it is said that they are not what was recorded."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "UPDATE stored_frames SET seq = 7 WHERE session = 1 AND ordinal = 12")
    recovery, _ = recovered(path)

    assert (of(recovery, 1).altered, of(recovery, 1).vouched, recovery.is_complete) == (
        [(10, 19)],
        20,
        False,
    )


def test_an_end_that_somebody_changed_is_told(tmp_path: Path) -> None:
    """It is copied, and said to be another."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "UPDATE session_ends SET result = '7' WHERE session = 1")

    assert of(recovered(path)[0], 1).notes == ["how it ended is not what was recorded"]


def test_frames_that_are_there_twice_come_out_once(tmp_path: Path) -> None:
    """Each frame has one place."""
    path = finished(tmp_path / "run.duckdb")
    before = content(path)
    change(path, "INSERT INTO stored_frames FROM stored_frames WHERE session = 1 AND ordinal = 11")

    assert recovered(path)[1] == before


def test_a_recording_without_sessions_comes_out_so(tmp_path: Path) -> None:
    """There is nothing to lose in it."""
    with writing(tmp_path / "run.duckdb"):
        pass
    recovery, found = recovered(tmp_path / "run.duckdb")

    assert (recovery.is_complete, found) == (True, {})


def test_a_long_session_is_salvaged_in_batches(tmp_path: Path) -> None:
    """Also one of more frames than are looked at together."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        record(writer, 0, tokens(3_000), commit_each=250)
    before = content(path)
    change(path, "DELETE FROM stored_frames WHERE ordinal BETWEEN 1200 AND 1300")
    recovery, found = recovered(path)
    frames = before[str(session_id(0))].frames

    assert of(recovery, 0).lost == [(1_200, 1_301)]
    assert found[str(session_id(0))].frames == frames[:1_200] + frames[1_302:]
