"""The assembler over golden streams, one by one: the tree, links and errors that each must give."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from otelstream.frame import Outcome, OutcomeState, StreamFrame, timestamp_ns
from otelstream.span import names
from otelstream.span.model import Anomaly, EndSpan, Link, Operation, SpanError, StartSpan
from otelstream.span.options import SpanOptions
from otelstream.span.tree import SpanNode, tree_of
from otelstream.testing import assembled

Golden = Callable[[str], tuple[StreamFrame, ...]]
Outline = Callable[[Sequence[Operation]], list[str]]


def root_of(operations: Sequence[Operation]) -> SpanNode:
    """The root of operations that have one."""
    root = tree_of(operations)
    assert root is not None
    return root


def spans_of(operations: Sequence[Operation]) -> dict[str, SpanNode]:
    """The spans by their keys."""
    return {node.started.key: node for node in root_of(operations).walk()}


def test_a_failure_that_is_emitted_twice_ends_one_span(golden: Golden, outline: Outline) -> None:
    """07d: the second failure is an anomaly; the call after it is inside the method all the same."""
    frames = golden("07d_llm_http500_nonstream_sync")
    operations = assembled(frames)
    assert outline(operations) == [
        "invoke_workflow F",
        "  method call",
        "    chat gpt-4o-mini",
        "    chat gpt-4o-mini",
        "  method after",
    ]
    assert [one for one in operations if isinstance(one, Anomaly)] == [
        Anomaly("duplicate_end", frames[5].id),
        Anomaly("wrong_parent", frames[6].id),
    ]
    spans = spans_of(operations)
    assert {frames.index(frame): spans[frame.id].end_ns for frame in frames if frame.id in spans} == {
        0: timestamp_ns(frames[11]),
        2: timestamp_ns(frames[8]),
        3: timestamp_ns(frames[4]),
        6: timestamp_ns(frames[7]),
        9: timestamp_ns(frames[10]),
    }
    assert spans[frames[2].id].error is None
    assert root_of(operations).attributes["otelstream.anomalies.duplicate_end"] == 1


def test_the_first_turn_of_a_conversation(golden: Golden, outline: Outline) -> None:
    """12: the turn is the root, around the flow that goes on after it."""
    operations = assembled(golden("12_conversation_turn1"))
    assert outline(operations) == [
        "conversation_turn",
        "  invoke_workflow Chat",
        "    method route_conversation",
        "    method converse_turn",
        "      chat gpt-4o-mini",
    ]
    assert root_of(operations).attributes["gen_ai.conversation.id"] == "session-1"


def test_the_second_turn_of_a_conversation(golden: Golden, outline: Outline) -> None:
    """12: the flow was started in the turn before, so the methods are in the turn itself."""
    operations = assembled(golden("12_conversation_turn2"))
    assert outline(operations) == [
        "conversation_turn",
        "  method route_conversation",
        "  method converse_turn",
        "    chat gpt-4o-mini",
    ]
    assert root_of(operations).attributes["gen_ai.conversation.id"] == "session-1"


def test_the_end_of_a_conversation(golden: Golden, outline: Outline) -> None:
    """12: a session of one end frame has a root of its own, and the frame is an event on it."""
    frames = golden("12_conversation_finalize")
    operations = assembled(frames)
    assert outline(operations) == ["stream_session"]
    assert [event.name for event in root_of(operations).events] == ["flow_finished"]
    assert [one for one in operations if isinstance(one, Anomaly)] == [
        Anomaly("end_without_start", frames[0].id)
    ]


def test_a_restored_checkpoint(golden: Golden, outline: Outline) -> None:
    """33b: what came before the flow is on it, in order, the restore as a span; what is of before is odd."""
    frames = golden("33b_checkpoint_restore")
    operations = assembled(frames)
    assert outline(operations) == ["invoke_workflow F", "  checkpoint", "  method b"]
    assert [event.name for event in root_of(operations).events] == [
        "flow_created",
        "flow_created",
        "default_env",
    ]
    assert [one for one in operations if isinstance(one, Anomaly)] == [
        Anomaly("seq_backwards", frames[4].id),
        Anomaly("dangling_previous", frames[3].id),
        Anomaly("dangling_parent", frames[3].id),
    ]


def test_a_flow_inside_a_flow(golden: Golden, outline: Outline) -> None:
    """11: a user's inner flow is a span in the method that ran it."""
    inner = [
        "    invoke_workflow Inner",
        "      method inner_a",
        "        chat gpt-4o-mini",
        "      method inner_b",
    ]
    assert outline(assembled(golden("11_nested_flow"))) == [
        "invoke_workflow Outer",
        "  method outer_a",
        *inner,
        "  method outer_b",
        *inner,
    ]


def links_of(frames: Sequence[StreamFrame]) -> dict[int, list[tuple[str, int]]]:
    """The links of each span that has some, as the places of the frames that opened the spans."""
    place = {frame.id: index for index, frame in enumerate(frames)}

    def shown(link: Link) -> tuple[str, int]:
        return link.relation, place[link.to]

    starts = [one for one in assembled(frames) if isinstance(one, StartSpan)]
    return {place[one.key]: [shown(link) for link in one.links] for one in starts if one.links}


def test_a_method_is_linked_to_the_one_that_triggered_it(golden: Golden) -> None:
    """02: each listener follows the method whose end the runtime names; that is also the one before it."""
    assert links_of(golden("02_router_or_and")) == {
        4: [("triggered_by", 2)],
        6: [("triggered_by", 4)],
        8: [("triggered_by", 4)],
        10: [("triggered_by", 8)],
        12: [("triggered_by", 10)],
    }


def test_a_task_is_linked_to_the_one_before_it(golden: Golden) -> None:
    """05: the second task follows the first; what is inside a span is not linked to its surroundings."""
    assert links_of(golden("05_crew_two_agents_tools")) == {50: [("previous", 4)], 94: [("triggered_by", 2)]}


def test_a_paused_flow_is_ended_and_says_so(golden: Golden) -> None:
    """13: a pause ends flow and method without an error, and the flow has its id to be resumed by."""
    frames = golden("13_feedback_pending")
    root = root_of(assembled(frames))
    assert root.attributes == {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "Review",
        "crewai.flow.name": "Review",
        "crewai.flow.id": "d3d357f7-fe3a-432a-8e9c-48ae0723d4e9",
        "crewai.paused": True,
        "crewai.frame.id": frames[0].id,
        "crewai.frame.type": "flow_started",
        "crewai.frame.seq": 1,
        "otelstream.end": "completed",
        "otelstream.frames": 5,
    }
    assert [(node.started.name, node.error) for node in root.walk()] == [
        ("invoke_workflow Review", None),
        ("method draft", None),
    ]
    assert root.end_ns == timestamp_ns(frames[4])


def test_a_resumed_flow_has_the_same_id(golden: Golden) -> None:
    """13: what ties the second session to the first is the flow's id."""
    resumed, paused = (
        root_of(assembled(golden(name))).attributes[names.FLOW_ID]
        for name in ("13_feedback_resume", "13_feedback_pending")
    )
    assert resumed == paused


def errors_of(operations: Sequence[Operation]) -> dict[str, str | None]:
    """The error type of each span, by its name."""
    nodes = root_of(operations).walk()
    return {node.started.name: node.error.type if node.error else None for node in nodes}


def test_a_failed_call_fails_all_around_it(golden: Golden) -> None:
    """07: the error of a model call is on each span up to the root, its type where a frame names it."""
    assert errors_of(assembled(golden("07_llm_http500"))) == {
        "invoke_workflow F": "openai.InternalServerError",
        "method run_crew": "openai.InternalServerError",
        "invoke_workflow solo": "openai.InternalServerError",
        "task one": "openai.InternalServerError",
        "invoke_agent Writer": "500",
        "chat gpt-4o-mini": "500",
    }


def test_a_failed_method_fails_its_flow_alone(golden: Golden) -> None:
    """08: the method before it stays fine."""
    assert errors_of(assembled(golden("08_method_raises"))) == {
        "invoke_workflow F": "_OTHER",
        "method ok": None,
        "method bad": "_OTHER",
    }


def test_a_failed_outcome_names_the_exception(golden: Golden) -> None:
    """08: how the session ended is known better than the last frame says, so the root has that error."""
    frames = golden("08_method_raises")
    outcome = Outcome("failed", timestamp_ns(frames[-1]), "builtins.ValueError", "no luck")
    root = root_of(assembled(frames, outcome))
    assert (root.error, root.attributes[names.END]) == (SpanError("builtins.ValueError", "no luck"), "failed")


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("failed", SpanError("_OTHER", "the run failed")),
        ("cancelled", None),
        ("cut", SpanError("cut", "the recording ends here: the process died")),
    ],
)
def test_open_spans_end_as_their_session_does(
    golden: Golden, state: OutcomeState, error: SpanError | None
) -> None:
    """18: spans that no frame ended say how the session ended, and when."""
    frames = golden("18_close_early")
    at = timestamp_ns(frames[-1]) + 5
    ends = [one for one in assembled(frames, Outcome(state, at)) if isinstance(one, EndSpan)]
    assert [(one.key, one.end_ns, one.attributes[names.END], one.error) for one in ends] == [
        (frames[index].id, at, state, error) for index in (3, 2, 0)
    ]


def test_what_a_completed_session_left_open_ended_when_it_was_last_seen(golden: Golden) -> None:
    """18: the run went on without them: they end with their last frame, and do not say `completed`."""
    frames = golden("18_close_early")
    last = timestamp_ns(frames[-1])
    ends = [one for one in assembled(frames, Outcome("completed", last + 5)) if isinstance(one, EndSpan)]
    assert [(one.key, one.end_ns, one.attributes[names.END], one.left_open) for one in ends] == [
        (frames[3].id, last, "left_open", True),
        (frames[2].id, last, "left_open", True),
        (frames[0].id, last + 5, "completed", True),
    ]


def test_an_agents_executor_is_no_span(golden: Golden, outline: Outline) -> None:
    """04: model calls hang in the agent; what its executor says is in the agent's events."""
    operations = assembled(golden("04_crew_streaming"))
    assert outline(operations) == [
        "invoke_workflow F",
        "  method run_crew",
        "    invoke_workflow solo",
        "      task one",
        "        invoke_agent Writer",
        "          chat gpt-4o-mini",
    ]
    agent = next(node for node in root_of(operations).walk() if node.started.name == "invoke_agent Writer")
    assert [event.name for event in agent.events] == [
        "flow_started",
        "agent_logs_started",
        "agent_logs_execution",
        "flow_finished",
    ]


def test_an_agents_executor_can_be_a_span(golden: Golden, outline: Outline) -> None:
    """04: with the option off, CrewAI's own flow is a span like any other."""
    assert outline(
        assembled(golden("04_crew_streaming"), options=SpanOptions(collapse_internal_flows=False))
    ) == [
        "invoke_workflow F",
        "  method run_crew",
        "    invoke_workflow solo",
        "      task one",
        "        invoke_agent Writer",
        "          invoke_workflow AgentExecutor",
        "            chat gpt-4o-mini",
    ]


def test_a_failure_emitted_twice_gives_the_tree_of_one_emitted_once(golden: Golden) -> None:
    """07d: the spans are those of the same stream without the second failure and with the right parents."""
    frames = golden("07d_llm_http500_nonstream_sync")
    method, second, *spoilt = frames[2], frames[5], frames[6], frames[7]
    right = {
        spoilt[0].id: {"parent_id": method.id, "previous_id": frames[4].id},
        spoilt[1].id: {"parent_id": method.id},
    }
    healthy = [frame.model_copy(update=right.get(frame.id, {})) for frame in frames if frame is not second]

    def told(
        frames: Sequence[StreamFrame],
    ) -> list[tuple[str, str | None, int, int | None, SpanError | None]]:
        root = tree_of(assembled(frames))
        assert root is not None
        return [
            (node.started.name, node.started.parent, node.started.start_ns, node.end_ns, node.error)
            for node in root.walk()
        ]

    assert not [one for one in assembled(healthy) if isinstance(one, Anomaly) and one.name != "seq_backwards"]
    assert told(frames) == told(healthy)
