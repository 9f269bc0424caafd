from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

import otelstream
from otelstream.errors import RecordingError
from recorder.cassettes.mode import Wishes
from recorder.cassettes.plan import Plan
from recorder.cassettes.take import Studio, Take
from tests.contract.programs import consume, frame, stream

S = TypeVar("S")


def _observe(live: S, record: Path, entry_point: str) -> S:
    return otelstream.observe(live, record=record, entry_point=entry_point)


def _lose(live: S, record: Path, entry_point: str) -> S:
    return live


def _take(path: Path, studio: Studio) -> Take:
    return Take(Plan(path, Wishes("once", None, None, in_ci=False), None, "test", "pytest "), studio)


def _edited(path: Callable[[], Path]) -> Callable[[], None]:
    def flush() -> None:
        otelstream.flush()
        text = path().read_text()
        path().write_text(text.replace('"frames_dropped":0', '"frames_dropped":2'))

    return flush


def test_a_session_that_was_lost(tmp_path: Path) -> None:
    """What was read and is not in the recording is told, and nothing is published."""
    take = _take(tmp_path / "a.jsonl", Studio(_lose, lambda: None, None))
    consume(take.add(stream([frame(0)]), 0))
    with pytest.raises(
        RecordingError, match=r"wrapped as number 1 was lost; the log of `otelstream` says why\."
    ):
        take.finish()
    take.discard()
    assert list(tmp_path.iterdir()) == []


def test_frames_that_were_lost(tmp_path: Path) -> None:
    """A recording that lacks frames is none to build on."""
    take = _take(tmp_path / "a.jsonl", Studio(_observe, _edited(lambda: take.path), None))
    consume(take.add(stream([frame(0)]), 0))
    with pytest.raises(RecordingError, match=r"wrapped as number 1 lacks 2 frames; the log"):
        take.finish()
    take.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_taken(tmp_path: Path) -> None:
    """A recording that cannot get its name is told, and leaves nothing."""
    take = _take(tmp_path / "a.jsonl", Studio(_observe, otelstream.flush, None))
    consume(take.add(stream([frame(0)]), 0))
    take.finish()
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(RecordingError, match=r"a\.jsonl cannot be written: "):
        take.publish()
    take.discard()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.jsonl"]


def test_what_cannot_be_extended(tmp_path: Path) -> None:
    """A recording that vanished before it could be extended is told."""
    take = _take(tmp_path / "a.jsonl", Studio(_observe, otelstream.flush, None))
    with pytest.raises(RecordingError, match=r"a\.jsonl cannot be extended: "):
        take.copy(tmp_path / "a.jsonl")
    take.discard()
