from __future__ import annotations

from pathlib import Path

import pytest

import otelstream
import recorder
from recorder.cassettes.episodes import episodes_in, label, next_number, number_of
from tests.contract.programs import consume, frame, stream


def _record(path: Path, *entry_points: str | None) -> None:
    for entry_point in entry_points:
        consume(otelstream.observe(stream([frame(0)]), record=path, entry_point=entry_point))
    otelstream.flush()


@pytest.mark.parametrize(
    ("entry_points", "numbers"),
    [
        ([label("t", 1), label("t", 0)], [0, 1]),
        (["app:flow", None, "other:flow"], [0, 1, 2]),
        ([None, label("t", 7), label("test_a.py::t[#3]", 2)], [0, 2, 7]),
        (["#x", "#-1", f"#{10**12}"], [0, 1, 2]),
    ],
)
def test_order(tmp_path: Path, entry_points: list[str | None], numbers: list[int]) -> None:
    """Sessions that a test recorded come by their numbers, all others by their place in the recording."""
    _record(tmp_path / "a.jsonl", *entry_points)
    episodes = episodes_in(tmp_path / "a.jsonl")
    assert list(map(number_of, episodes)) == numbers
    assert next_number(episodes) == numbers[-1] + 1


def test_no_recording(tmp_path: Path) -> None:
    """A file that is not there holds none, and the first one added has the number 0."""
    assert (episodes_in(tmp_path / "a.jsonl"), next_number([])) == ([], 0)


def test_no_recording_at_all(tmp_path: Path) -> None:
    """A file that holds something else is an error."""
    (tmp_path / "a.jsonl").write_text("no recording\n")
    with pytest.raises(recorder.RecordingError):
        episodes_in(tmp_path / "a.jsonl")
