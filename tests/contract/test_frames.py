"""The stream contract of CrewAI: which frames come, in which order, and what the projections show."""

from __future__ import annotations

import asyncio
from importlib import import_module

from otelstream.frame import StreamFrame
from recorder import AsyncStreamSession, StreamSession
from tests.contract.conftest import Kind
from tests.contract.programs import DONE, TYPES, aconsume, consume, types_of

FLOW = ["flow_started", "method_execution_started", "method_execution_finished", "flow_finished"]
SUBSETS: dict[tuple[str, ...], list[str]] = {
    ("messages", "tools"): ["conversation_message_added", "tool_usage_started"],
    ("tools", "messages"): ["conversation_message_added", "tool_usage_started"],
    ("flow", "llm"): [*FLOW[:2], "llm_stream_chunk", "llm_thinking_chunk", *FLOW[2:]],
    ("flow", "flow"): FLOW,
    ("lifecycle",): [],
    (): [],
}


def by_type(frames: list[StreamFrame]) -> dict[str, StreamFrame]:
    """The frames by their type."""
    return {frame.type: frame for frame in frames}


def test_the_session_is_of_crewais_class(crewai_kind: Kind) -> None:
    """A program that checks the class of its session sees no difference."""
    crewai_class: type = import_module("crewai.types.streaming").StreamSession

    assert isinstance(crewai_kind.stream(crewai_kind.world.works), crewai_class)


def test_the_asynchronous_session_is_of_crewais_class(crewai_kind: Kind) -> None:
    """A program that checks the class of its session sees no difference."""
    crewai_class: type = import_module("crewai.types.streaming").AsyncStreamSession

    async def session() -> object:
        return crewai_kind.astream(crewai_kind.world.works)

    assert isinstance(asyncio.run(session()), crewai_class)


def test_the_frames_are_of_crewais_class(crewai_kind: Kind) -> None:
    """A program that checks the class of a frame sees no difference."""
    crewai_class: type = import_module("crewai.types.streaming").StreamFrame

    assert {type(frame) for frame in crewai_kind.stream(crewai_kind.world.works)} == {crewai_class}


def test_a_replay_without_crewai_is_of_our_class(plain_kind: Kind) -> None:
    """A program that never loaded CrewAI gets a session and frames that need none."""
    session = plain_kind.stream(plain_kind.world.works)

    assert (type(session), {type(frame) for frame in session}) == (StreamSession, {StreamFrame})


def test_an_asynchronous_replay_without_crewai_is_of_our_class(plain_kind: Kind) -> None:
    """The same holds for `areplay`."""

    async def cls() -> type:
        return type(plain_kind.astream(plain_kind.world.works))

    assert asyncio.run(cls()) is AsyncStreamSession


def test_frames_come_in_order(crewai_kind: Kind) -> None:
    """All frames come, in the order of their execution."""
    assert types_of(crewai_kind.stream(crewai_kind.world.works)) == TYPES


def test_frames_come_in_order_asynchronously(crewai_kind: Kind) -> None:
    """All frames come, in the order of their execution."""

    async def types() -> list[str]:
        return types_of(await aconsume(crewai_kind.astream(crewai_kind.world.works)))

    assert asyncio.run(types()) == TYPES


def test_sequence_numbers_rise(crewai_kind: Kind) -> None:
    """In a flow without branches the order of arrival is the order of execution."""
    numbers = [frame.seq or 0 for frame in crewai_kind.stream(crewai_kind.world.works)]

    assert numbers == sorted(set(numbers))


def test_each_event_has_its_channel(crewai_kind: Kind) -> None:
    """The channel says what a frame is about."""
    frames = by_type(list(crewai_kind.stream(crewai_kind.world.works)))

    assert [frames[type_].channel for type_ in TYPES] == [
        *("flow", "flow", "llm", "llm", "messages", "tools", "flow", "flow")
    ]


def test_a_method_is_a_child_of_its_flow(crewai_kind: Kind) -> None:
    """The parent id names the event that a frame happened inside of."""
    frames = by_type(list(crewai_kind.stream(crewai_kind.world.works)))

    assert frames["method_execution_started"].parent_id == frames["flow_started"].id


def test_the_namespace_names_flow_and_method(crewai_kind: Kind) -> None:
    """A consumer can tell from the namespace which method a frame is of."""
    frames = by_type(list(crewai_kind.stream(crewai_kind.world.works)))

    assert frames["method_execution_started"].namespace == ["flow", "FrameFlow", "run"]


def test_content_is_the_text_of_tokens(crewai_kind: Kind) -> None:
    """Frames that are no tokens have no content."""
    contents = [frame.content for frame in crewai_kind.stream(crewai_kind.world.works)]

    assert [content for content in contents if content] == ["hello", "thinking"]


def test_event_is_the_data(crewai_kind: Kind) -> None:
    """The payload is reachable under both of its names."""
    frames = list(crewai_kind.stream(crewai_kind.world.works))

    assert all(frame.event is frame.data for frame in frames)


def test_frames_is_a_copy(kind: Kind) -> None:
    """A program that changes the list of frames does not change the session."""
    session = kind.stream(kind.world.works)
    consume(session).clear()

    assert types_of(session.frames) == TYPES


def test_frames_holds_what_a_projection_passed_over(crewai_kind: Kind) -> None:
    """A projection collects every frame that it reads, also those that it does not show."""
    session = crewai_kind.stream(crewai_kind.world.works)
    next(session.tools)

    assert types_of(session.frames) == TYPES[:6]


def test_two_iterators_share_one_stream(kind: Kind) -> None:
    """Two loops over one session each get a part of its frames."""
    session = kind.stream(kind.world.works)
    one, other = session.events, session.events

    assert [next(one).id, next(other).id] == [frame.id for frame in session.frames]


def test_a_projection_shows_its_channel(crewai_kind: Kind) -> None:
    """Each projection, read first on a fresh session, filters without changing the order."""
    shown = {
        "events": types_of(crewai_kind.stream(crewai_kind.world.works).events),
        "llm": types_of(crewai_kind.stream(crewai_kind.world.works).llm),
        "messages": types_of(crewai_kind.stream(crewai_kind.world.works).messages),
        "flow": types_of(crewai_kind.stream(crewai_kind.world.works).flow),
        "tools": types_of(crewai_kind.stream(crewai_kind.world.works).tools),
    }

    assert shown == {
        "events": TYPES,
        "llm": ["llm_stream_chunk", "llm_thinking_chunk"],
        "messages": ["conversation_message_added"],
        "flow": FLOW,
        "tools": ["tool_usage_started"],
    }


def test_a_projection_exhausts_the_session(crewai_kind: Kind) -> None:
    """Whoever reads one channel to its end has the result."""
    session = crewai_kind.stream(crewai_kind.world.works)
    list(session.llm)

    assert session.result == DONE


def test_projections_are_cached(kind: Kind) -> None:
    """After the end every projection can be read again, whichever was read first."""
    session = kind.stream(kind.world.works)
    first = list(session.llm)

    assert (types_of(first), types_of(session.llm), types_of(session.flow), types_of(session.events)) == (
        ["llm_stream_chunk", "llm_thinking_chunk"],
        ["llm_stream_chunk", "llm_thinking_chunk"],
        FLOW,
        TYPES,
    )


def test_the_cache_holds_the_same_frames(crewai_kind: Kind) -> None:
    """Reading again gives the very frames that were read before."""
    session = crewai_kind.stream(crewai_kind.world.works)
    frames = list(session.events)

    assert [id(frame) for frame in session.events] == [id(frame) for frame in frames]


def test_asynchronous_projections_are_cached(kind: Kind) -> None:
    """After the end every projection can be read again, whichever was read first."""

    async def projections() -> list[list[str]]:
        session = kind.astream(kind.world.works)
        return [
            types_of([frame async for frame in session.llm]),
            types_of([frame async for frame in session.flow]),
            types_of([frame async for frame in session.tools]),
            types_of([frame async for frame in session.messages]),
            types_of([frame async for frame in session.events]),
        ]

    assert asyncio.run(projections()) == [
        ["llm_stream_chunk", "llm_thinking_chunk"],
        FLOW,
        ["tool_usage_started"],
        ["conversation_message_added"],
        TYPES,
    ]


def test_interleave_keeps_the_common_order(kind: Kind) -> None:
    """Some channels together come in the order of the stream, whatever order they are named in."""
    session = kind.stream(kind.world.works)
    first = types_of(session.interleave(["messages", "tools"]))

    assert (first, {subset: types_of(session.interleave(list(subset))) for subset in SUBSETS}) == (
        SUBSETS["messages", "tools"],
        SUBSETS,
    )


def test_asynchronous_interleave_keeps_the_common_order(kind: Kind) -> None:
    """Some channels together come in the order of the stream, whatever order they are named in."""

    async def interleaved() -> dict[tuple[str, ...], list[str]]:
        session = kind.astream(kind.world.works)
        shown = {}
        for subset in SUBSETS:
            shown[subset] = types_of([frame async for frame in session.interleave(list(subset))])
        return shown

    assert asyncio.run(interleaved()) == SUBSETS
