"""Listing: which sessions a recording holds, in which order, and which one is meant."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

import otelstream
import recorder
from recorder.listing import Selector
from recorder.reader import Recording
from recorder.session import AsyncStreamSession, StreamSession
from recorder.session_row import SessionEnd, SessionStart
from recorder.writer import Writer
from tests.contract.programs import aconsume, consume, frame, stream
from tests.recorder.test_writer import END, START

IDS = [uuid.UUID(f"0190000{number}-0000-7000-8000-00000000000{number}") for number in range(4)]
NAMES = ["Orders", "Chat", "Orders", None]
ENDED = datetime(2026, 11, 20, 8, 31, tzinfo=timezone.utc)


def start(number: int) -> SessionStart:
    """The start of a session; its id says its number."""
    return replace(START, session_id=IDS[number], name=NAMES[number])


def end(number: int, state: str = "completed") -> SessionEnd:
    """Its end."""
    return replace(END, state=state, frame_count=1)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """A recording of four sessions with two names, the last without one."""
    path = tmp_path_factory.mktemp("four") / "four.duckdb"
    writer = Writer(path)
    for number in range(4):
        writer.begin(start(number))
        writer.add(IDS[number], 0, 0, frame(number))
        writer.end(IDS[number], end(number))
    writer.flush()
    writer.close()
    with recorder.open(path) as recording:
        yield recording


def test_sessions_come_oldest_first(four: Recording) -> None:
    """Sessions are listed in the order of their start, with their index."""
    sessions = four.sessions()

    assert [(session.index, session.start.session_id) for session in sessions] == list(enumerate(IDS))


def test_sessions_that_begin_together_come_oldest_first(tmp_path: Path) -> None:
    """Sessions that begin within a millisecond are in the order of their start, too."""
    path = tmp_path / "run.duckdb"
    numbers = [str(number) for number in range(20)]
    sessions = [otelstream.observe(stream([frame(0)]), record=path, entry_point=number) for number in numbers]
    iterators = [iter(session) for session in sessions]
    for iterator in iterators:
        next(iterator)
    for iterator in iterators:
        list(iterator)

    assert [session.start.entry_point for session in recorder.open(path).sessions()] == numbers


@pytest.mark.parametrize(
    ("selector", "number"),
    [
        ("last", 3),
        (0, 0),
        (3, 3),
        (-1, 3),
        (-4, 0),
        ("1", 1),
        ("-2", 2),
        (IDS[1], 1),
        (str(IDS[1]), 1),
        (str(IDS[1]).upper(), 1),
        (str(IDS[2])[:13], 2),
        ("01900001", 1),
        ("Chat", 1),
        ("Orders", 2),
    ],
)
def test_a_session_is_found(four: Recording, selector: Selector, number: int) -> None:
    """By `last`, an index from either end, an id or the beginning of one, or a name (the newest of it)."""
    assert four.session(selector).start.session_id == IDS[number]


@pytest.mark.parametrize(
    "selector",
    [
        *(4, -5, "4", "-5", "--1", "-", "²", "orders", "Order", str(IDS[0]) + "0", uuid.UUID(int=0)),
    ],
)
def test_a_session_that_is_not_there(four: Recording, selector: Selector) -> None:
    """An unknown selector is an error that names file, selector and how to list them."""
    with pytest.raises(recorder.SessionNotFoundError) as raised:
        four.session(selector)

    assert str(raised.value) == (
        f"{four.path} has no session {str(selector)!r}; `otelstream ls {four.path}` lists its 4,"
        " by index, id and name."
    )


def test_the_beginning_of_several_ids_means_none(four: Recording) -> None:
    """An ambiguous beginning of an id is an error that names file, beginning and two that it may mean."""
    with pytest.raises(recorder.SessionNotFoundError) as raised:
        four.session("0190")

    assert str(raised.value) == (
        f"{four.path} has 4 sessions whose id begins with '0190', such as {IDS[0]} and {IDS[1]};"
        " give more of it."
    )


@pytest.mark.parametrize("play", [recorder.replay, recorder.areplay])
@pytest.mark.parametrize(
    ("selector", "number"), [("last", 3), (0, 0), (-2, 2), ("01900001", 1), (IDS[1], 1), ("Orders", 2)]
)
def test_a_replay_is_of_the_session_that_is_meant(
    four: Recording,
    play: Callable[[Path, Selector], StreamSession[Any] | AsyncStreamSession[Any]],
    selector: Selector,
    number: int,
) -> None:
    """`replay` and `areplay` take every selector: the frame of that session comes, which says its number."""

    async def ids() -> list[str]:
        session = play(four.path, selector)
        frames = consume(session) if isinstance(session, Iterable) else await aconsume(session)
        return [each.id for each in frames]

    assert asyncio.run(ids()) == [f"frame-{number}"]


@pytest.mark.parametrize("play", [recorder.replay, recorder.areplay])
@pytest.mark.parametrize("selector", [4, "nobody", "0190"])
def test_a_replay_of_no_session_is_refused_at_once(
    four: Recording, play: Callable[[Path, Selector], object], selector: Selector
) -> None:
    """What is asked for in vain is told where it was asked for, not when the first frame is taken."""
    with pytest.raises(recorder.SessionNotFoundError, match=re.escape(repr(str(selector)))):
        play(four.path, selector)


def test_a_recording_without_sessions(tmp_path: Path) -> None:
    """A file that was made and never recorded into says so."""
    path = tmp_path / "empty.duckdb"
    Writer(path).close()
    with pytest.raises(recorder.SessionNotFoundError) as raised:
        recorder.open(path).session()

    assert str(raised.value) == f"{path} holds no session; record one first."
