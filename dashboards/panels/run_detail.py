"""*Run detail*: one trace, with its tokens over time, its calls, tools and errors."""

from __future__ import annotations

from typing import Final

from dashboards.panels import traceql
from dashboards.panels.about import About, Row
from dashboards.panels.board import Board
from dashboards.panels.links import RUN_DETAIL, to_explore
from dashboards.panels.traced import Found, points, spans_table, trace_graph, whole_trace
from dashboards.panels.variables import trace
from otelstream.span import names

_EXPLORE: Final = to_explore("This trace in Explore", "${trace}")
_TALK: Final = to_explore(
    "The turns of this conversation",
    traceql.spans(traceql.RUN, f"span.{names.CONVERSATION_ID} = {traceql.of_row('Conversation')}"),
)
_NOTHING: Final = "fill in a trace id that lies in the chosen time"
_LIMIT: Final = "At most 100 spans: Tempo returns no more of one trace by default."
_SPANS: Final = 100
_TOKENS: Final = {
    names.USAGE_INPUT_TOKENS: "Input tokens",
    names.USAGE_OUTPUT_TOKENS: "Output tokens",
}


def _found(columns: dict[str, str], *conditions: str, units: dict[str, str] | None = None) -> Found:
    return Found(traceql.spans(traceql.TRACE, *conditions), columns, 1, _SPANS, units or {})


_OF_RUN: Final = {
    names.END: "End",
    names.ERROR_TYPE: "Error",
    "statusMessage": "Message",
    names.FRAMES: "Frames",
    names.FRAMES_DROPPED: "Frames dropped",
    names.CONVERSATION_ID: "Conversation",
    names.RECORDING_FILE: "Recording",
    names.RECORDING_SESSION: "Session in it",
}
_ABOUT_RUN: Final = About(
    "The run",
    "How it ended, and where it is recorded. More than one row: a run observed within a run. "
    "No row while it runs.",
    "short",
    _EXPLORE,
    _NOTHING,
    width=24,
    more=[_TALK],
)

_SUMMARY_ROW: Final = Row(5, [spans_table(_ABOUT_RUN, _found(_OF_RUN, traceql.RUN))])


_ABOUT_TRACE: Final = About(
    "Trace",
    "Every span, with its events: pieces of answers, stalls, frames. What is still open is not here.",
    "ns",
    _EXPLORE,
    _NOTHING,
    width=24,
)

_TIMELINE_ROW: Final = Row(18, [whole_trace(_ABOUT_TRACE)])


_OF_CALLS: Final = {
    names.REQUEST_MODEL: "Model",
    names.TIME_TO_FIRST_CHUNK: "First chunk",
    names.CHUNK_COUNT: "Chunks",
    names.STALLS: "Stalls",
    **_TOKENS,
    names.ERROR_TYPE: "Error",
}

_CALLS_ROW: Final = Row(
    10,
    [
        points(
            About(
                "Tokens over time",
                "What each call used, at the call's start. Input grows as the conversation grows. Calls "
                f"without reported usage have no bar. {_LIMIT}",
                "short",
                _EXPLORE,
                "no call reported its usage",
                width=10,
            ),
            traceql.spans(traceql.TRACE, traceql.CALL),
            _TOKENS,
        ),
        spans_table(
            About(
                "Calls to models",
                f"An empty cell: 0, not reported, or not streamed. {_LIMIT}",
                "short",
                _EXPLORE,
                "no call to a model",
                width=14,
            ),
            _found(_OF_CALLS, traceql.CALL, units={names.TIME_TO_FIRST_CHUNK: "s"}),
        ),
    ],
)


_OF_TOOLS: Final = {
    names.TOOL_NAME: "Tool",
    names.AGENT_NAME: "Agent",
    names.TOOL_RUN_ATTEMPTS: "Attempt",
    names.TOOL_FROM_CACHE: "From cache",
    names.ERROR_TYPE: "Error",
}
_OF_ERRORS: Final = {names.ERROR_TYPE: "Error", "statusMessage": "Message"}

_WORK_ROW: Final = Row(
    10,
    [
        spans_table(
            About(
                "Tools",
                f"Each use. A tool of an MCP server is there twice: as itself, and within. {_LIMIT}",
                "short",
                _EXPLORE,
                "no tool was used",
            ),
            _found(_OF_TOOLS, traceql.TOOL),
        ),
        spans_table(
            About(
                "Errors",
                "Spans that failed. A failure fails what is around it: the innermost span, which has the "
                f"shortest duration, is where it began. {_LIMIT}",
                "short",
                _EXPLORE,
                "nothing failed",
            ),
            _found(_OF_ERRORS, traceql.FAILED),
        ),
    ],
)


_OF_AGENTS: Final = {
    names.AGENT_NAME: "Agent",
    names.REQUEST_MODEL: "Model",
    names.ERROR_TYPE: "Error",
}

_AGENTS_ROW: Final = Row(
    12,
    [
        spans_table(
            About(
                "Agents",
                f"Each execution; its time holds that of its calls and tools. {_LIMIT}",
                "short",
                _EXPLORE,
                "no agent worked",
                width=10,
            ),
            _found(_OF_AGENTS, traceql.AGENT),
        ),
        trace_graph(
            About(
                "Graph",
                "The same trace as a graph: who called whom. The Tempo data source must have its node "
                "graph enabled.",
                "ms",
                _EXPLORE,
                _NOTHING,
                width=14,
            )
        ),
    ],
)


def run_detail() -> Board:
    """Return the dashboard *Run detail*."""
    return Board(
        "run-detail",
        RUN_DETAIL,
        "otelstream: Run detail",
        "One run: its trace, its tokens over time, its calls, tools and errors. The others link here.",
        [trace()],
        [_SUMMARY_ROW, _TIMELINE_ROW, _CALLS_ROW, _WORK_ROW, _AGENTS_ROW],
    )
