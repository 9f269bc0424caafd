"""A directory whose files are deleted beneath a program that records into it: it goes on with a new file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import otelstream
import recorder
from recorder import StreamSession
from tests.e2e.programs.made import lane_of

FRAMES = 30


def record(name: str, path: Path) -> None:
    """Record a session."""
    session: StreamSession[None] = StreamSession(sync_iterator=lane_of(name, FRAMES))
    list(otelstream.observe(session, record=path))


@pytest.mark.parametrize("idle", [True, False], ids=["idle", "at once"])
@pytest.mark.parametrize("gone", ["files", "directory"])
def test_the_next_session_is_recorded(
    idle: bool, gone: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it was noticed before or not: nothing was pending, so nothing is lost or said."""
    path = tmp_path / "runs"
    record("old", path)
    if gone == "directory":
        shutil.rmtree(path)
    else:
        for file in [each for each in path.rglob("*") if each.is_file()]:
            file.unlink()
    flushed = not idle or otelstream.flush()
    record("new", path)
    with recorder.open(path) as recording:
        found = [(each.start.name, each.state, each.frame_count) for each in recording.sessions()]

    assert (flushed, dict(otelstream.losses()), caplog.messages, found) == (
        True,
        {},
        [],
        [("new", "completed", FRAMES)],
    )


def test_a_session_that_goes_on_is_counted_and_the_next_one_recorded(tmp_path: Path) -> None:
    """It is not split over two files; what it still had to say is lost, and no more than that."""
    path = tmp_path / "runs"
    session: StreamSession[None] = StreamSession(sync_iterator=lane_of("old", FRAMES))
    frames = iter(otelstream.observe(session, record=path))
    for _ in range(FRAMES // 2):
        next(frames)
    otelstream.flush()
    shutil.rmtree(path)
    list(frames)
    record("new", path)
    with recorder.open(path) as recording:
        found = [(each.start.name, each.frame_count) for each in recording.sessions()]

    assert (dict(otelstream.losses()), found) == ({"recording": FRAMES // 2}, [("new", FRAMES)])
