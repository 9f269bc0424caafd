"""Which frames are played: every way to say where it starts and ends, at the bounds and beyond them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final
from uuid import UUID

import pytest

import recorder
from otelstream.errors import OtelstreamError, RecordingError, UsageError
from otelstream.frame import StreamFrame
from recorder import Recording
from recorder.cut import Bound, Cut, Part, cut_of
from recorder.search import Condition
from recorder.session_row import RecordedSession
from tests.contract.programs import frame
from tests.recorder.recordings import session_id, writing
from tests.recorder.timing import SECOND, record_at

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
UUID_4: Final = str(UUID(int=4))
TYPES: Final = (
    "flow_started",
    "llm_stream_chunk",
    "llm_stream_chunk",
    "tool_usage_started",
    "twice",
    "twice",
)
"""One frame a second, from the first second on; the type of the last two is the id of another one."""


def six() -> list[tuple[int, StreamFrame]]:
    """Six frames, of which one has a UUID, and each was made a second before it arrived."""
    ids = ["frame-0", "frame-1", "twice", "frame-3", UUID_4, "twice"]
    return [
        (
            (number + 1) * SECOND,
            frame(number, id=ids[number], type=TYPES[number], timestamp=NOON + timedelta(seconds=number)),
        )
        for number in range(6)
    ]


@dataclass(frozen=True)
class Whole:
    """A recording of six frames, and of a session without any."""

    recording: Recording
    session: RecordedSession

    def cut(self, start: Bound = None, until: Bound = None) -> tuple[int, int]:
        """First frame and the one behind the last."""
        found = cut_of(self.recording, self.session, Part(start, until))
        return found.first, found.end


@pytest.fixture(scope="module", params=["duckdb", "jsonl"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """The recording in either form, which tests share."""
    path = tmp_path_factory.mktemp("cut") / "run.duckdb"
    with writing(path) as writer:
        record_at(writer, 0, six())
        record_at(writer, 1, [])
    if request.param == "jsonl":
        recorder.convert(path, path.with_suffix(".jsonl"))
    with recorder.open(path.with_suffix(f".{request.param}")) as recording:
        yield Whole(recording, recording.session(0))


@pytest.mark.parametrize(("channel", "found"), [("llm", 0), ("tools", None)])
def test_whether_a_channel_occurs(channel: str, found: int | None, whole: Whole) -> None:
    """The first frame on it, if there is one."""
    assert whole.recording.find(whole.session, Condition("channel", "=", channel)) == found


@pytest.mark.parametrize(
    ("start", "first"),
    [
        (None, 0),
        (0, 0),
        (5, 5),
        (-1, 5),
        (-6, 0),
        ("frame-3", 3),
        (UUID_4, 4),
        ("llm_stream_chunk", 1),
        ("twice", 2),
        (0.0, 0),
        (1.0, 0),
        (1.000001, 1),
        (6.0, 5),
        (timedelta(seconds=2), 1),
        (timedelta(seconds=-1), 0),
        (NOON, 0),
        (NOON.replace(microsecond=1), 1),
        (NOON.replace(tzinfo=None, second=5), 5),
        (NOON.replace(hour=13, second=2, tzinfo=timezone(timedelta(hours=1))), 2),
        (datetime(1970, 1, 1), 0),
    ],
)
def test_where_it_starts(start: Bound, first: int, whole: Whole) -> None:
    """At a number, at what has that id or else that type, or at the first frame that is no earlier."""
    assert whole.cut(start) == (first, 6)


@pytest.mark.parametrize(
    ("until", "end"),
    [
        (None, 6),
        (0, 1),
        (5, 6),
        (6, 6),
        (10**12, 6),
        (-1, 6),
        (-6, 1),
        ("frame-3", 4),
        (UUID_4, 5),
        ("llm_stream_chunk", 2),
        ("twice", 3),
        (1.0, 1),
        (5.999999, 5),
        (6.0, 6),
        (1e9, 6),
        (timedelta(seconds=2), 2),
        (NOON, 1),
        (NOON.replace(second=4, microsecond=999_999), 5),
        (NOON.replace(tzinfo=None, second=5), 6),
        (datetime.max, 6),
    ],
)
def test_where_it_ends(until: Bound, end: int, whole: Whole) -> None:
    """Behind the frame that is named, or behind all that are no later."""
    assert whole.cut(until=until) == (0, end)


@pytest.mark.parametrize(
    ("start", "until", "cut"),
    [
        (2, 2, (2, 3)),
        (5, 5, (5, 6)),
        ("frame-1", "llm_stream_chunk", (1, 2)),
        (2, "llm_stream_chunk", (2, 3)),
        (3, "twice", (3, 6)),
        ("llm_stream_chunk", "tool_usage_started", (1, 4)),
        (2.0, 4.0, (1, 4)),
        (2.0, "frame-3", (1, 4)),
        ("frame-1", NOON.replace(second=3), (1, 4)),
        (-3, -2, (3, 5)),
    ],
)
def test_from_here_until_there(start: Bound, until: Bound, cut: tuple[int, int], whole: Whole) -> None:
    """Both frames belong to it, and a type is that of the first frame from the start on."""
    assert whole.cut(start, until) == cut


@pytest.mark.parametrize(
    ("start", "until", "lacking"),
    [
        (6, None, "number 6; it has 6, which `otelstream cat` prints."),
        (-7, None, "number -7; it has 6, which `otelstream cat` prints."),
        (None, -7, "number -7; it has 6, which `otelstream cat` prints."),
        ("nobody", None, "of the id or the type 'nobody'; it has 6, which `otelstream cat` prints."),
        (None, "nobody", "of the id or the type 'nobody'; it has 6, which `otelstream cat` prints."),
        (
            2,
            "frame-1",
            "of the id or the type 'frame-1' from number 2 on; it has 6, which `otelstream cat` prints.",
        ),
        (
            UUID_4.replace("4", "A"),
            None,
            f"of the id or the type {UUID_4.replace('4', 'A')!r}; it has 6, which",
        ),
        (6.5, None, "at or after 6.5 s; it has 6, which `otelstream cat` prints."),
        (NOON.replace(second=6), None, "at or after 2026-11-20 12:00:06+00:00; it has 6, which"),
        (4, 3, "from start 4 on that is not behind until 3; give a later one."),
        (4.0, 3.0, "from start 4.0 s on that is not behind until 3.0 s; give a later one."),
        (3.1, 3.9, "from start 3.1 s on that is not behind until 3.9 s; give a later one."),
        ("frame-3", timedelta(seconds=2), "from start 'frame-3' on that is not behind until 0:00:02; give"),
        (None, 0.5, "from its beginning on that is not behind until 0.5 s; give a later one."),
        (
            None,
            datetime(1970, 1, 1),
            "from its beginning on that is not behind until 1970-01-01 00:00:00; give",
        ),
    ],
)
def test_frames_that_are_not_there(start: Bound, until: Bound, lacking: str, whole: Whole) -> None:
    """What is meant and not there is told in one sentence, with what is there."""
    session = f"session {session_id(0)} of {whole.recording.path} has no frame "
    with pytest.raises(RecordingError, match="^" + re.escape(session + lacking)):
        whole.cut(start, until)


@pytest.mark.parametrize(("start", "until"), [(math.nan, None), (None, math.inf)])
def test_times_that_are_no_numbers(start: Bound, until: Bound, whole: Whole) -> None:
    """They are told, too."""
    with pytest.raises(UsageError, match="is no number of seconds"):
        whole.cut(start, until)


@pytest.mark.parametrize("part", [Part(), Part(start=0), Part(until=0), Part(until=-0.5)])
def test_a_session_without_frames(part: Part, whole: Whole) -> None:
    """All of nothing can be played, from its beginning to its end."""
    session = whole.recording.session(1)

    assert cut_of(whole.recording, session, part) == Cut(0, 0, None, reaches_end=True)


@pytest.mark.parametrize("part", [Part(start="flow_started"), Part(until="flow_started"), Part(start=0.0)])
def test_a_frame_of_a_session_without_frames(part: Part, whole: Whole) -> None:
    """A frame that is named must be there."""
    with pytest.raises(OtelstreamError, match=r"has no frame .*; it has 0, which"):
        cut_of(whole.recording, whole.recording.session(1), part)


@pytest.mark.parametrize(
    ("part", "cut"),
    [
        (Part(), Cut(0, 6, None, reaches_end=True)),
        (Part(until=4), Cut(0, 5, None, reaches_end=False)),
        (Part(until=5), Cut(0, 6, None, reaches_end=True)),
        (Part(start=5, channels=[]), Cut(5, 6, frozenset(), reaches_end=True)),
        (Part(channels="llm"), Cut(0, 6, frozenset({"llm"}), reaches_end=True)),
        (Part(channels=("a", "b")), Cut(0, 6, frozenset({"a", "b"}), reaches_end=True)),
    ],
)
def test_what_else_is_said_of_a_part(part: Part, cut: Cut, whole: Whole) -> None:
    """Whether the end is reached, and of which channels the frames are; one may be given as a text."""
    assert cut_of(whole.recording, whole.session, part) == cut
