"""The assembler over sessions that nobody has seen: any frames at all, and branches in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from otelstream.frame import FrameLike, Outcome, OutcomeState, StreamFrame
from otelstream.span import names
from otelstream.span.assembler import SpanAssembler
from otelstream.span.chunks import ChunkEvents
from otelstream.span.model import Anomaly, EndSpan, Operation, StartSpan
from otelstream.span.options import SpanOptions
from otelstream.span.rules import Kind, Pair, with_rows
from otelstream.testing import START_NS, Script, make_frame

Violations = Callable[[Sequence[Operation]], list[str]]
Uncounted = Callable[..., dict[str, int]]

ROWS = (
    Pair(Kind("job", "job", "my.name", at_start={"my.name": "flow_name"}), "job_started", ("job_done",)),
    Pair(Kind("upload", "upload"), "up_started", ("up_done",), ("up_failed",), key="call_id", encloses=False),
)
OPTIONS = SpanOptions(rows=ROWS)
TABLE = with_rows(ROWS)

TYPES = (
    "flow_started",
    "flow_finished",
    "flow_failed",
    "method_execution_started",
    "method_execution_finished",
    "agent_execution_started",
    "agent_execution_completed",
    "llm_call_started",
    "llm_call_completed",
    "llm_call_failed",
    "llm_stream_chunk",
    "llm_thinking_chunk",
    "tool_usage_started",
    "tool_usage_error",
    "tick",
    "plan_step_started",
    "plan_step_completed",
    "checkpoint_started",
    "checkpoint_completed",
    "checkpoint_failed",
    *(name for row in ROWS for name in (row.start, *row.ends, *row.fails)),
)
AGENT_TYPES = (
    "flow_started",
    "flow_finished",
    "agent_execution_started",
    "agent_execution_completed",
    "llm_call_started",
    "llm_call_completed",
    "llm_stream_chunk",
    "tick",
)

fixed = settings(derandomize=True, max_examples=100, deadline=None, database=None)
"""The same examples in every run, without a file to remember them."""


@dataclass(frozen=True)
class Step:
    """One frame of a session in which anything may be wrong.

    Attributes:
        type: The frame's type.
        at_ms: Its time; the clock may go backwards.
        parent: How many frames back `parent_id` points: 0 is None, -1 a frame of another session.
        previous: The same for `previous_id`.
        started: The same for `started_event_id`.
        triggered: The same for `triggered_by_event_id`.
        call_id: An LLM call, or something that is none.
        flow_name: A flow of CrewAI's own, or a user's; only frames of flows have it.
        again: Whether the frame has the id of the one before it.
    """

    type: str
    at_ms: int
    parent: int
    previous: int
    started: int
    triggered: int
    call_id: object
    flow_name: str
    again: bool


def steps(
    types: Sequence[str] = TYPES, flows: Sequence[str] = ("Mine",), *, repeated_ids: bool = False
) -> st.SearchStrategy[list[Step]]:
    """Sessions of up to 30 frames."""
    back = st.integers(-1, 8)
    step = st.builds(
        Step,
        type=st.sampled_from(types),
        at_ms=st.integers(-20, 20),
        parent=back,
        previous=st.one_of(st.just(1), st.just(1), back),
        started=back,
        triggered=back,
        call_id=st.sampled_from(["c1", "c2", None, 5, ["c1"]]),
        flow_name=st.sampled_from(flows),
        again=st.booleans() if repeated_ids else st.just(value=False),
    )
    # Lists left to themselves have five elements on average: too few for a scope to outlive another.
    return st.integers(0, 30).flatmap(lambda size: st.lists(step, min_size=size, max_size=size))


def frames_of(script: Sequence[Step]) -> list[StreamFrame]:
    """The frames that a script describes."""
    frames: list[StreamFrame] = []
    for number, step in enumerate(script):
        ids = [frame.id for frame in frames]

        def back(count: int, ids: list[str] = ids) -> str | None:
            return "elsewhere" if count < 0 else ids[-count] if 0 < count <= len(ids) else None

        data = {
            "started_event_id": back(step.started),
            "triggered_by_event_id": back(step.triggered),
            "call_id": step.call_id,
            "step_number": step.started,
            "flow_name": step.flow_name if step.type.startswith("flow") else None,
            "chunk": "x",
        }
        frames.append(
            make_frame(
                step.type,
                id=ids[-1] if step.again and ids else f"f{number}",
                parent=back(step.parent),
                previous=back(step.previous),
                at_ms=step.at_ms,
                data=data,
            )
        )
    return frames


def fed(
    frames: Sequence[FrameLike], state: OutcomeState = "completed", options: SpanOptions = OPTIONS
) -> list[Operation]:
    """The operations of a session that is closed before its latest frame."""
    assembler = SpanAssembler(options)
    operations = [operation for frame in frames for operation in assembler.feed(frame)]
    return [*operations, *assembler.close(Outcome(state, START_NS))]


STATES = st.sampled_from(["completed", "failed", "cancelled", "cut"])
CHUNK_EVENTS = st.sampled_from(["coalesced", "all", "off"])


@fixed
@given(steps(), STATES, CHUNK_EVENTS)
def test_any_session_is_closed(
    violations: Violations, script: list[Step], state: OutcomeState, chunk_events: ChunkEvents
) -> None:
    """Whatever comes, nothing raises, and each opened span is ended once, not before its start."""
    options = replace(OPTIONS, chunk_events=chunk_events)
    assert violations(fed(frames_of(script), state, options)) == []


@fixed
@given(steps())
def test_any_session_is_accounted_for(uncounted: Uncounted, script: list[Step]) -> None:
    """Whatever comes, each frame is a start, an end, an event or in a run of chunks."""
    frames = frames_of(script)
    counts = uncounted(frames, fed(frames), TABLE)
    assert counts.pop("ends that ended nothing") in (0, 1)
    assert set(counts.values()) == {0}


@fixed
@given(steps(), st.sampled_from([300, 1_500, 3_000_000]), st.sampled_from([1_000, 3_000, 4_500_000]))
def test_what_does_not_fit_is_counted(
    uncounted: Uncounted, script: list[Step], span_bytes: int, trace_bytes: int
) -> None:
    """With a small budget, each frame that left no trace is in `otelstream.events_dropped` of a span."""
    frames = frames_of(script)
    operations = fed(frames, options=replace(OPTIONS, span_bytes=span_bytes, trace_bytes=trace_bytes))
    ends = [one.attributes for one in operations if isinstance(one, EndSpan)]
    dropped = [count for end in ends if isinstance(count := end.get(names.EVENTS_DROPPED, 0), int)]
    assert sum(uncounted(frames, operations, TABLE).values()) - sum(dropped) in (0, 1)


@fixed
@given(steps(), STATES)
def test_any_cut_gives_the_same_beginning(
    violations: Violations, uncounted: Uncounted, script: list[Step], state: OutcomeState
) -> None:
    """Cut at every position, a session says what it says as a whole up to there, and is closed."""
    frames = frames_of(script)
    whole = fed(frames, state)
    for cut in range(len(frames) + 1):
        assembler = SpanAssembler(OPTIONS)
        said = [operation for frame in frames[:cut] for operation in assembler.feed(frame)]
        closed = [*said, *assembler.close(Outcome(state, START_NS))]
        assert said == whole[: len(said)]
        counts = uncounted(frames[:cut], closed, TABLE)
        held_back = counts.pop("ends that ended nothing")
        assert (violations(closed), set(counts.values()), held_back in (0, 1)) == ([], {0}, True)


@fixed
@given(steps())
def test_any_session_counts_its_anomalies(script: list[Step]) -> None:
    """Each anomaly is counted on the root by its name, and nothing else is."""
    operations = fed(frames_of(script))
    found = Counter(one.name for one in operations if isinstance(one, Anomaly))
    said = operations[-1].attributes if operations and isinstance(operations[-1], EndSpan) else {}
    prefix = names.ANOMALY_PREFIX
    assert {key.removeprefix(prefix): said[key] for key in said if key.startswith(prefix)} == found


@fixed
@given(steps(repeated_ids=True))
def test_any_session_with_repeated_ids_is_closed(violations: Violations, script: list[Step]) -> None:
    """An id that comes twice makes no span end twice, or never."""
    assert violations(fed(frames_of(script))) == []


@fixed
@given(steps(AGENT_TYPES, ["AgentExecutor", "Mine"]))
def test_any_session_with_internal_flows_is_closed(
    violations: Violations, uncounted: Uncounted, script: list[Step]
) -> None:
    """What outlives its agent adds nothing to a span that is over, and nothing of it is lost."""
    frames = frames_of(script)
    operations = fed(frames)
    counts = uncounted(frames, operations, TABLE)
    assert counts.pop("ends that ended nothing") in (0, 1)
    assert (violations(operations), set(counts.values())) == ([], {0})


SCOPES = {
    "method_execution_started": "method_execution_finished",
    "task_started": "task_completed",
    "tool_usage_started": "tool_usage_error",
    "memory_query_started": "memory_query_completed",
}

LEAVES = ("checkpoint_started", "checkpoint_completed", "plan_step_started", "plan_step_completed")
BRANCH = st.lists(st.sampled_from([*SCOPES, *LEAVES, "end", "tick", "llm_stream_chunk"]), max_size=8)


def run(branches: Sequence[Sequence[str]], order: Sequence[int]) -> list[StreamFrame]:
    """The frames of parallel branches of one flow; `order` says which branch takes its next step."""
    script = Script()
    script.start("flow_started", flow_name="Parallel")
    workers = [script.fork() for _ in branches]
    opened: list[list[str]] = [[] for _ in branches]
    ahead = [iter(branch) for branch in branches]
    for number in order:
        step = next(ahead[number])
        if step in SCOPES:
            name = f"{number}.{len(opened[number])}"
            workers[number].start(step, method_name=name, tool_name=name, task={"name": name})
            opened[number].append(SCOPES[step])
        elif step != "end":
            workers[number].emit(step, call_id=f"c{number}", step_number=number)
        elif opened[number]:
            workers[number].end(opened[number].pop())
    script.end("flow_finished", flow_name="Parallel")
    return script.frames


def paths(operations: Sequence[Operation]) -> list[str]:
    """Each span as the names from the root to it, sorted."""
    started = {one.key: one for one in operations if isinstance(one, StartSpan)}

    def path(key: str | None) -> str:
        return "" if key is None else f"{path(started[key].parent)}/{started[key].name}"

    return sorted(path(key) for key in started)


@fixed
@given(st.data(), st.lists(BRANCH, min_size=2, max_size=4))
def test_branches_in_any_order_give_the_same_spans(
    violations: Violations, data: st.DataObject, branches: list[list[str]]
) -> None:
    """However parallel branches are interleaved, the tree is that of one branch after the other."""
    one_by_one = [number for number, branch in enumerate(branches) for _ in branch]
    interleaved = fed(run(branches, data.draw(st.permutations(one_by_one))))
    assert violations(interleaved) == []
    assert paths(interleaved) == paths(fed(run(branches, one_by_one)))
