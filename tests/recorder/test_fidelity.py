"""Any frame through a file: the same bytes come back, and SQL sees the same frame."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

import recorder
from otelstream.frame import StreamFrame, frame_json, parse_exact
from recorder import Recording
from recorder.source import reading
from recorder.writer import Writer
from tests.contract.programs import json_of
from tests.recorder.test_writer import END, START

TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "\ud83d" + "\ude00",
            "\ufffd",
            "llm",
            "a b",
            "ü",
            "\0",
            "\ud800",
            "\x7f",
            '"',
            "\\",
            "\\ud800",
            "é\u2028😀",
            "\n",
        ]
    ),
    st.text(st.characters(exclude_categories=()), max_size=6),
)
CHUNKS = st.one_of(
    st.sampled_from(
        ["Hello ", '"chunk":""', '"tool_call":null', 'x"tool_call', '"chunk":"', "\t\r\n", "\x0b"]
    ),
    TEXTS,
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [0, 1, 1.0, -0.0, 2**53 + 1, 2**63, -(2**70), 1e22, 5e-324, math.nan, math.inf, -math.inf]
    ),
    st.integers(),
    st.floats(),
    TEXTS,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
LIKE_ONE_ANOTHER = st.sampled_from(
    [1, True, 1.0, "1", None, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": True, "b": 2}]
)
ZONES = st.one_of(
    st.none(),
    st.just(timezone.utc),
    st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds))),
)
IDS = st.one_of(st.sampled_from(["frame-1", "frame-2", ""]), st.uuids().map(str), TEXTS)
FURTHER = st.dictionaries(st.sampled_from(["tenant", "trace", "größe"]), VALUES, max_size=1)


@st.composite
def token_datas(draw: st.DrawFn) -> dict[str, Any]:
    """Data of a token frame: what calls have in common, with every kind of oddity now and then."""
    data: dict[str, Any] = {
        "model": None,
        "call_id": draw(st.sampled_from(["one", "one", "one", "other", "", None, 7])),
        "chunk": draw(CHUNKS),
        "tool_call": draw(st.one_of(st.none(), st.none(), VALUES)),
        "response_id": "r",
    }
    oddity = draw(st.sampled_from(["none"] * 5 + ["missing", "more", "order", "like", "nested"]))
    if oddity == "missing":
        del data[draw(st.sampled_from(list(data)))]
    elif oddity == "more":
        data[draw(TEXTS)] = draw(VALUES)
    elif oddity == "order":
        data = dict(draw(st.permutations(list(data.items()))))
    elif oddity == "like":
        data["n"] = draw(LIKE_ONE_ANOTHER)
    elif oddity == "nested":
        data["inner"] = {"chunk": draw(CHUNKS), "tool_call": None, 'x"chunk': ""}
    return data


@st.composite
def frames(draw: st.DrawFn) -> StreamFrame:
    """Any frame that a runtime could emit, token frames most of all."""
    usual = draw(st.booleans())
    moment = datetime(2026, 11, 20, 8, 30) + timedelta(microseconds=draw(st.integers(0, 10**9)))
    if not usual:
        moment = draw(st.datetimes(timezones=ZONES))
    return StreamFrame.model_construct(
        id=draw(IDS),
        seq=draw(st.one_of(st.none(), st.integers(0, 9), st.integers(-(2**65), 2**65))),
        type="llm_stream_chunk" if usual else draw(TEXTS),
        channel="llm" if usual else draw(TEXTS),
        namespace=["llm"] if usual else draw(st.lists(TEXTS, max_size=3)),
        timestamp=moment if moment.tzinfo is not None else moment.replace(tzinfo=draw(ZONES)),
        parent_id=draw(st.one_of(st.none(), IDS)),
        previous_id=draw(st.one_of(st.none(), st.just("the one before"), IDS)),
        data=draw(st.one_of(token_datas(), token_datas(), st.dictionaries(TEXTS, VALUES, max_size=3))),
        **draw(st.one_of(st.just({}), st.just({}), st.just({}), FURTHER)),
    )


def linked(given_frames: list[StreamFrame]) -> list[StreamFrame]:
    """The frames, some of which name the one before them as the runtime does."""
    before: str | None = None
    for each in given_frames:
        if each.previous_id == "the one before":
            each.previous_id = before
        before = each.id
    return given_frames


SESSIONS = st.lists(frames(), max_size=12).map(linked)


@dataclass
class File:
    """A recording that takes one session after the other."""

    path: Path
    writer: Writer
    numbers: Iterator[int] = field(default_factory=count)

    def write(self, session: list[StreamFrame]) -> uuid.UUID:
        """Write a session, and change the frames afterwards as their owner may; return its id."""
        session_id = uuid.UUID(int=START.session_id.int + next(self.numbers))
        self.writer.begin(replace(START, session_id=session_id))
        for ordinal, each in enumerate(session):
            self.writer.add(session_id, ordinal, ordinal, each)
            each.data["changed"] = "afterwards"
            each.namespace.append("afterwards")
        self.writer.end(session_id, replace(END, frame_count=len(session)))
        self.writer.flush()
        return session_id


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[File]:
    """A recording that is being written."""
    path = tmp_path_factory.mktemp("fidelity") / "run.duckdb"
    with closing(Writer(path)) as writer:
        yield File(path, writer)


def json_texts(recording: Recording, session_id: uuid.UUID) -> list[str]:
    """The JSON of the frames of a session."""
    return json_of(recording.frames(recording.session(session_id)))


def in_sql(each: StreamFrame) -> tuple[Any, ...]:
    """What the view `frames` shall say of a frame that its columns can hold."""
    seconds = None if (offset := each.timestamp.utcoffset()) is None else offset // timedelta(seconds=1)
    text = to_json(each.data, inf_nan_mode="constants").decode()
    chunk = each.data.get("chunk")
    return (
        *(each.id, each.seq, each.type, each.channel, each.namespace, each.parent_id, each.previous_id),
        *(seconds, text, chunk if isinstance(chunk, str) else None),
    )


def in_utc(text: str) -> str:
    """The JSON of a frame, with one of the two spellings of an offset of none: `raw` knows no other."""
    return re.sub(r"(\"timestamp\":\"[^\"]*)[+-]00:00\"", r'\1Z"', text, count=1)


VIEW = """
SELECT id, seq, type, channel, namespace, parent_id, previous_id, utc_offset, data::VARCHAR,
    CASE WHEN json_type(data, '$.chunk') = 'VARCHAR' THEN data ->> '$.chunk' END, irregular, raw
FROM frames WHERE session_id = ? ORDER BY ordinal
"""
some = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))


@some
@given(session=SESSIONS)
def test_a_session_comes_back_to_the_byte(file: File, session: list[StreamFrame]) -> None:
    """Whatever frames a session has, and whatever becomes of them afterwards, the same JSON is read."""
    expected = json_of(session)
    session_id = file.write(session)
    with recorder.open(file.path) as recording:
        assert json_texts(recording, session_id) == expected


@some
@given(session=SESSIONS)
def test_sql_sees_the_same_frames(file: File, session: list[StreamFrame]) -> None:
    """The view has each frame as it was, or says that it could not hold it and has its JSON."""
    texts = json_of(session)
    copies = [each.model_copy(deep=True) for each in session]
    session_id = file.write(session)
    with reading(file.path) as connection:
        rows = connection.execute(VIEW, [session_id]).fetchall()

    assert [in_utc(frame_json(parse_exact(str(row[-1])))) if row[-2] else row[:-2] for row in rows] == [
        in_utc(text) if row[-2] else in_sql(each) for row, each, text in zip(rows, copies, texts, strict=True)
    ]
