"""What goes wrong with the very first frame or before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

import otelstream
import recorder
from otelstream.frame import FrameLike
from recorder.encoder import FrameEncoder
from recorder.rows import Row
from tests.e2e.runs import golden, recorded, session


class NoTracer(TracerProvider):
    """A provider that cannot give a tracer."""

    def get_tracer(self, *_: object, **__: object) -> Tracer:
        raise RuntimeError("no tracer")


def test_a_provider_without_a_tracer_costs_the_recording_nothing(tmp_path: Path) -> None:
    """Where no span can be made, every frame is recorded and counted as lost for spans."""
    provider = NoTracer(shutdown_on_exit=False)
    list(otelstream.observe(session(), record=tmp_path / "x.duckdb", tracer_provider=provider))

    kept = recorded(tmp_path / "x.duckdb")
    assert (kept.state, kept.frame_count) == ("completed", len(golden()))
    assert otelstream.losses() == {"spans": len(golden())}


def test_a_first_frame_that_cannot_be_stored_begins_one_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session whose first frame is lost has one start, and says that a frame is missing."""
    encode, refused = FrameEncoder.encode, golden()[0].id

    def refuses_the_first(self: FrameEncoder, frame: FrameLike, *more: Any) -> Row:  # noqa: ANN401  as they came
        if frame.id == refused:
            raise ValueError("cannot be stored")
        return encode(self, frame, *more)

    monkeypatch.setattr(FrameEncoder, "encode", refuses_the_first)
    list(otelstream.observe(session(), record=tmp_path / "x.duckdb"))
    with recorder.open(tmp_path / "x.duckdb") as recording:
        (only,) = recording.sessions()
        gaps = [(gap.ordinal, gap.frames, gap.reason) for gap in recording.gaps(only)]

    assert only.end is not None
    assert (only.frame_count, only.end.frames_dropped) == (len(golden()) - 1, 1)
    assert len(gaps) == 1
    assert gaps[0][1:] == (1, "recording")


@pytest.mark.parametrize("data", [None, [1]], ids=["none", "list"])
@pytest.mark.parametrize("redact", [False, True])
def test_a_first_frame_without_a_mapping_costs_itself(tmp_path: Path, data: object, redact: bool) -> None:
    """One bad frame is one frame lost, also where it is what should name the session."""
    bad = golden()[0].model_copy(update={"data": data})
    list(otelstream.observe(session([bad, *golden()[1:]]), record=tmp_path / "x.duckdb", redact=redact))
    with recorder.open(tmp_path / "x.duckdb") as recording:
        (only,) = recording.sessions()

    assert only.end is not None
    assert (only.frame_count, only.end.frames_dropped) == (len(golden()) - 1, 1)


def test_an_error_of_the_reader_is_its_own(tmp_path: Path) -> None:
    """What a program raises while it reads a recording is not taken for damage of the file."""
    list(otelstream.observe(session(), record=tmp_path / "x.duckdb"))
    with (
        pytest.raises(ValueError, match="my own"),
        recorder.open(tmp_path / "x.duckdb") as recording,
        recording.connection(),
    ):
        raise ValueError("my own")
