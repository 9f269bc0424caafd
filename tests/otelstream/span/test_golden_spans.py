"""Golden pairs: frames in, spans out, written down as text that a person can check.

`OTELSTREAM_UPDATE_GOLDEN=1 pytest tests/otelstream/span/test_golden_spans.py` writes the texts anew; read the
difference before committing it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from otelstream.frame import Outcome, StreamFrame
from otelstream.span import names
from otelstream.span.model import Anomaly, Operation
from otelstream.span.tree import SpanNode, tree_of
from otelstream.testing import assembled

SPANS = Path(__file__).parents[2] / "golden" / "spans"
STREAMS = [
    "05_crew_two_agents_tools",
    "07_llm_http500",
    "07d_llm_http500_nonstream_sync",
    "12_conversation_turn1",
    "25_mcp_tool",
    "37_unnamed_task_long_description",
]
OUTCOMES = {
    "07_llm_http500": Outcome(
        "failed", 1_795_189_393_050_000_000, "openai.InternalServerError", "Error code: 500"
    )
}
"""How the sessions ended, where they did not simply complete."""
ENVELOPE = {names.FRAME_ID, names.FRAME_TYPE, names.FRAME_SEQ}


class Rendering:
    """A session's spans as text: frames by their place in the stream, times in milliseconds."""

    def __init__(self, frames: Sequence[StreamFrame], operations: Sequence[Operation]) -> None:
        self.place = {frame.id: f"#{index}" for index, frame in enumerate(frames)}
        self.operations = operations
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
        yield f"{indent}{self.place[start.key]} {start.name}{kind}  {self.times(node)}"
        indent += "    "
        if node.error is not None:
            yield f"{indent}ERROR {node.error.type}: {node.error.message}"
        for link in start.links:
            yield f"{indent}{link.relation} {self.place[link.to]}"
        yield from (f"{indent}{key} = {value!r}" for key, value in shown(node.attributes))
        yield from (f"{indent}* {line}" for line in event_lines(node))
        for child in node.children:
            yield from self.span(child, indent)

    def times(self, node: SpanNode) -> str:
        """When a span began and ended, after the root began."""
        first = self.root.started.start_ns
        assert node.end_ns is not None
        return f"{(node.started.start_ns - first) / 1e6:.3f} to {(node.end_ns - first) / 1e6:.3f} ms"


def shown(attributes: Mapping[str, object]) -> list[tuple[str, object]]:
    """The attributes that are not the envelope of the frame, which the text shows by its place."""
    return [(key, value) for key, value in attributes.items() if key not in ENVELOPE]


def event_lines(node: SpanNode) -> Iterator[str]:
    """How many events of each name there are, and how many frames those of chunks stand for."""
    frames: Counter[str] = Counter()
    for event in node.events:
        count = event.attributes.get(names.CHUNK_RUN_COUNT, 1)
        assert isinstance(count, int)
        frames[event.name] += count
    for name, count in Counter(event.name for event in node.events).items():
        yield f"{count} {name}" if count == frames[name] else f"{count} {name} of {frames[name]} frames"


@pytest.mark.parametrize("name", STREAMS)
def test_a_golden_stream_gives_these_spans(
    golden: Callable[[str], tuple[StreamFrame, ...]], name: str
) -> None:
    """The spans of the stream are those of its text."""
    frames = golden(name)
    text = Rendering(frames, assembled(frames, OUTCOMES.get(name))).text()
    path = SPANS / f"{name}.txt"
    if os.environ.get("OTELSTREAM_UPDATE_GOLDEN") == "1":
        path.write_text(text)
    assert text == path.read_text()
