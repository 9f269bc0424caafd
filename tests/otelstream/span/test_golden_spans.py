"""Golden pairs: frames in, spans out, written down as text that a person can check.

`OTELSTREAM_UPDATE_GOLDEN=1 pytest tests/otelstream/span/test_golden_spans.py` writes the texts anew; read the
difference before committing it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from otelstream.frame import Outcome, OutcomeState, StreamFrame, timestamp_ns
from otelstream.span import names
from otelstream.span.chunks import ChunkEvents
from otelstream.span.model import AddEvent, Anomaly, Follow, Operation
from otelstream.span.options import SpanOptions
from otelstream.span.tree import SpanNode, tree_of
from otelstream.testing import assembled

Golden = Callable[[str], tuple[StreamFrame, ...]]

SPANS = Path(__file__).parents[2] / "golden" / "spans"
WITH_CONTENT = (
    "05_crew_two_agents_tools",
    "06_tool_raises",
    "07_llm_http500",
    "12_conversation_turn2",
    "16b_llm_stream_events_tools",
    "21_structured_crew",
    "22b_crew_planning",
    "25_mcp_tool",
)
OPENAI_500 = (
    "Error code: 500 - {'error': {'message': 'The server had an error while processing your request.', "
    "'type': 'server_error', 'param': None, 'code': 'server_error'}}"
)
OUTCOMES: dict[str, tuple[OutcomeState, str | None, str | None]] = {
    "07_llm_http500": ("failed", "openai.InternalServerError", OPENAI_500),
    "07c_llm_cut_midstream": (
        "failed",
        "httpx.RemoteProtocolError",
        "peer closed connection without sending complete message body (incomplete chunked read)",
    ),
    "08_method_raises": ("failed", "builtins.ValueError", "boom in method"),
    "16d_llm_stream_events_error": ("failed", "openai.InternalServerError", OPENAI_500),
    "18_close_early": ("cancelled", None, None),
    "18b_aclose_early_async": ("cancelled", None, None),
    "33_checkpoint_run": ("failed", "builtins.RuntimeError", "crash in b"),
}
"""How the sessions ended, where they did not simply complete."""
ENVELOPE = {names.FRAME_ID, names.FRAME_TYPE, names.FRAME_SEQ}


def outcome_of(name: str, frames: Sequence[StreamFrame]) -> Outcome:
    """How a session ended: at its latest frame."""
    state, error_type, message = OUTCOMES.get(name, ("completed", None, None))
    return Outcome(state, max(timestamp_ns(frame) for frame in frames), error_type, message)


def operations_of(golden: Golden, name: str, options: SpanOptions) -> list[Operation]:
    """The operations of a golden stream."""
    frames = golden(name)
    return assembled(frames, outcome_of(name, frames), options)


class Rendering:
    """A session's spans as text: frames by their place in the stream, times in milliseconds."""

    def __init__(self, frames: Sequence[StreamFrame], operations: Sequence[Operation]) -> None:
        self.place = {frame.id: f"#{index}" for index, frame in enumerate(frames)}
        self.place |= {f"session {frame_id}": place for frame_id, place in self.place.items()}
        self.operations = operations
        self.logs: dict[str, list[AddEvent]] = defaultdict(list)
        for one in operations:
            if isinstance(one, AddEvent) and one.log_only:
                self.logs[one.key].append(one)
        root = tree_of(operations)
        assert root is not None
        self.root = root

    def text(self) -> str:
        """The whole text: the tree, and the anomalies behind it."""
        anomalies = [one for one in self.operations if isinstance(one, Anomaly)]
        lines = [
            *self.span(self.root, ""),
            *(f"! {one.name} {self.place[one.frame_id]}" for one in anomalies),
        ]
        return "\n".join(lines) + "\n"

    def span(self, node: SpanNode, indent: str) -> Iterator[str]:
        """The lines of a span and of all beneath it."""
        start = node.started
        kind = " CLIENT" if start.client else ""
        assert node.end_ns is not None
        times = f"{self.after(start.start_ns)} to {self.after(node.end_ns)} ms"
        yield f"{indent}{self.place[start.key]} {start.name}{kind}  {times}"
        indent += "    "
        if node.error is not None:
            yield f"{indent}ERROR {node.error.type}: {node.error.message}"
        for link in start.links:
            yield f"{indent}{link.relation} {self.place[link.to]}"
        for one in self.operations if node is self.root else ():
            if isinstance(one, Follow):
                yield f"{indent}follows {one.relation} {one.id}"
        yield from (f"{indent}{key} = {self.shown(value)}" for key, value in rest(node.attributes).items())
        yield from (f"{indent}* {self.event(event)}" for event in node.events)
        yield from (f"{indent}~ {self.log(event, node)}" for event in self.logs[start.key])
        for child in node.children:
            yield from self.span(child, indent)

    def event(self, event: AddEvent) -> str:
        """An event in a line: when, which frame, and its attributes, but for the frame before it."""
        frame = self.place.get(str(event.attributes.get(names.FRAME_ID)), "")
        found = rest(event.attributes)
        found.pop(names.FRAME_PREVIOUS_ID, None)
        told = [f"{short(key)} = {self.shown(value)}" for key, value in found.items()]
        return " ".join([self.after(event.time_ns), frame, event.name, ", ".join(told)]).rstrip()

    def log(self, event: AddEvent, node: SpanNode) -> str:
        """A log record in a line: how many attributes it shares with its span, and the others."""
        found = rest(event.attributes)
        other = {key: value for key, value in found.items() if node.attributes.get(key) != value}
        told = "".join(f", {key} = {self.shown(value)}" for key, value in other.items())
        shared = len(found) - len(other)
        return f"{self.after(event.time_ns)} {event.name} {shared} attributes of the span{told}"

    def after(self, time_ns: int) -> str:
        """A time as milliseconds after the root began."""
        return f"{(time_ns - self.root.started.start_ns) / 1e6:.3f}"

    def shown(self, value: object) -> str:
        """A value, or the place of the frame whose id it is."""
        return self.place.get(value, repr(value)) if isinstance(value, str) else repr(value)


def short(key: str) -> str:
    """The key of an event's attribute without the words that all of them share."""
    return key.removeprefix("otelstream.chunk.").removeprefix(names.DATA_PREFIX)


def rest(attributes: Mapping[str, object]) -> dict[str, object]:
    """The attributes that are not the envelope of the frame, which the text shows by its place."""
    return {key: value for key, value in attributes.items() if key not in ENVELOPE}


def check(text: str, path: Path) -> None:
    """Compare a text with the one that was written down, or write it down."""
    if os.environ.get("OTELSTREAM_UPDATE_GOLDEN") == "1":
        path.write_text(text)
    assert text == path.read_text()


def test_a_golden_stream_gives_these_spans(golden: Golden, golden_name: str) -> None:
    """The spans of the stream are those of its text."""
    operations = operations_of(golden, golden_name, SpanOptions())
    check(Rendering(golden(golden_name), operations).text(), SPANS / f"{golden_name}.txt")


@pytest.mark.parametrize("name", WITH_CONTENT)
def test_a_golden_stream_gives_this_content(golden: Golden, name: str) -> None:
    """With content asked for, the spans of the stream are those of its second text."""
    operations = operations_of(golden, name, SpanOptions(content="SPAN_AND_EVENT"))
    check(Rendering(golden(name), operations).text(), SPANS / f"{name}.content.txt")


def test_every_golden_text_has_a_stream(request: pytest.FixtureRequest) -> None:
    """No text outlives its stream."""
    frames = {path.name.partition(".")[0] for path in (SPANS.parent / "frames").iterdir()}
    assert {path.name.partition(".")[0] for path in SPANS.iterdir()} == frames


CONTENT_FIELDS = frozenset(
    {
        "backstory",
        "chunk",
        "context",
        "description",
        "expected_output",
        "inputs",
        "messages",
        "output",
        "params",
        "raw",
        "response",
        "result",
        "state",
        "task_prompt",
        "tool_args",
        "tools",
    }
)
"""Fields in which golden streams hold prompts, answers, arguments and results, at any depth."""
OPEN_FIELDS = frozenset({"goal", "id", "name", "role", "agent_role", "task_id"})
"""Fields of such dumps that are exported: what a developer called an agent, a tool or a task."""
TOOLS = {"Look up one fact about a topic.", "Count the words of a text.", "Always fails."}
"""Descriptions of tools, which their spans tell."""


def opened(value: object) -> Iterator[str]:
    """The texts of the fields that are exported, at any depth."""
    if isinstance(value, dict):
        yield from (str(value[key]) for key in OPEN_FIELDS & value.keys())
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from opened(item)


def contents(value: object, *, inside: bool = False) -> Iterator[str]:
    """The texts beneath content fields that are long enough to be told from names."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in OPEN_FIELDS:
                yield from contents(item, inside=inside or key in CONTENT_FIELDS)
    elif isinstance(value, list):
        for item in value:
            yield from contents(item, inside=inside)
    elif isinstance(value, str) and inside and len(value) >= 12:
        yield value


@pytest.mark.parametrize("chunk_events", ["coalesced", "all"])
def test_no_operation_holds_content(golden: Golden, golden_name: str, chunk_events: ChunkEvents) -> None:
    """Without being asked for, no prompt, answer, argument, result or key of a golden stream goes out."""
    known = {text for frame in golden(golden_name) for text in opened(frame.data)} | TOOLS
    told = {
        text for frame in golden(golden_name) for text in contents(frame.data) if text.strip("'") not in known
    }
    operations = operations_of(golden, golden_name, SpanOptions(chunk_events=chunk_events))
    said = "\n".join(map(repr, operations))
    assert {text for text in told if repr(text)[1:-1] in said} == set()
    assert "api_key" not in said
