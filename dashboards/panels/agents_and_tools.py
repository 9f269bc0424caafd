"""*Agents and tools*: how long they take, how often they fail, and what is tried again."""

from __future__ import annotations

from typing import Final

from dashboards.panels import traceql
from dashboards.panels.about import BAD_COUNT, BAD_SHARE, About, Row
from dashboards.panels.board import Board
from dashboards.panels.links import to_explore, to_run
from dashboards.panels.measured import Column, Curve, bars, lines, listing
from dashboards.panels.metrics import AGENT_CALLS, AGENT_TOOLS, AGENTS, TOOLS, Metric, label_name
from dashboards.panels.promql import (
    BAR,
    FAILED,
    RANGE,
    Scope,
    growth,
    mean,
    part,
    quantile,
    quantile_of_range,
    share,
    summed,
)
from dashboards.panels.traced import TRACE_FIELD, Found, counted, spans_table
from dashboards.panels.variables import agent, service, tool
from otelstream.span import names

_SCOPE: Final = Scope({names.AGENT_NAME: "agent", names.TOOL_NAME: "tool"})
_AGENT: Final = label_name(names.AGENT_NAME)
_TOOL: Final = label_name(names.TOOL_NAME)

_CHOSEN_AGENT: Final = traceql.chosen(names.AGENT_NAME, "agent")
_CHOSEN_TOOL: Final = traceql.chosen(names.TOOL_NAME, "tool")
_AGENTS: Final = (traceql.AGENT, traceql.SERVICE, _CHOSEN_AGENT)
_TOOLS: Final = (traceql.TOOL, traceql.SERVICE, _CHOSEN_AGENT, _CHOSEN_TOOL)
_ONE_AGENT: Final = (traceql.AGENT, traceql.SERVICE, traceql.same(names.AGENT_NAME))
_ONE_TOOL: Final = (traceql.TOOL, traceql.SERVICE, traceql.same(names.TOOL_NAME), _CHOSEN_AGENT)

_REPEATED: Final = f"(span.{names.TOOL_RUN_ATTEMPTS} > 1 || span.{names.GUARDRAIL_RETRY_COUNT} > 0)"
_RETRIED: Final = f"{_REPEATED} && span.{names.PENDING} = nil"
"""Markers of spans that are still open (`OTELSTREAM_PENDING_SPANS`) would be counted, too."""
_TASK: Final = f'{{ span:name =~ "{names.TASK}( .*)?" && {traceql.SERVICE} }}'

_NO_AGENT: Final = "no agent finished"
_NO_TOOL: Final = "no tool was used"
_MADE_UP: Final = "Names of tools that a model made up are one: _OTHER."
_COLUMNS: Final = {
    names.AGENT_NAME: "Agent",
    names.TOOL_NAME: "Tool",
    names.ERROR_TYPE: "Error",
    "statusMessage": "Message",
}


def _columns(metric: Metric, by: str, done: str) -> list[Column]:
    bucket = _SCOPE.select(metric, metric.bucket)
    ended = summed(growth(_SCOPE.select(metric, metric.count), RANGE), [by])
    failed = summed(growth(_SCOPE.select(metric, metric.count, FAILED), RANGE), [by])
    return [
        Column("p95", quantile_of_range(0.95, bucket, [by]), "s"),
        Column("p50", quantile_of_range(0.5, bucket, [by]), "s"),
        Column(done, ended),
        Column("Failed", part(failed, ended), levels=BAD_COUNT),
        Column("Failure share", share(failed, ended), "percentunit", BAD_SHARE),
    ]


def _a_time(metric: Metric) -> str:
    totals = (_SCOPE.select(metric, metric.total), _SCOPE.select(metric, metric.count))
    return mean(*totals, RANGE, [names.AGENT_NAME])


_OF_EACH_AGENT: Final = [
    *_columns(AGENTS, names.AGENT_NAME, "Executions"),
    Column("LLM calls each", _a_time(AGENT_CALLS), "none"),
    Column("Tools each", _a_time(AGENT_TOOLS), "none"),
]
_AGENT_OF_ROW: Final = traceql.spans(
    traceql.AGENT,
    traceql.SERVICE,
    f"span.{names.AGENT_NAME} = {traceql.of_row(_AGENT)}",
)
_TOOL_OF_ROW: Final = traceql.spans(
    traceql.TOOL, traceql.SERVICE, f"span.{names.TOOL_NAME} = {traceql.of_row(_TOOL)}"
)

_SLOWEST_ROW: Final = Row(
    9,
    [
        listing(
            About(
                "Slowest agents",
                "Executions that ended in this time, the slowest agent on top. An agent's time holds that "
                "of its calls and tools, so the two tables must not be added up. Not filtered by tool.",
                "short",
                to_explore("Traces with this agent", _AGENT_OF_ROW),
                _NO_AGENT,
            ),
            _AGENT,
            "Agent",
            _OF_EACH_AGENT,
        ),
        listing(
            About(
                "Slowest tools",
                f"Uses that ended in this time, the slowest tool on top. {_MADE_UP} A tool of an MCP "
                "server is counted once.",
                "short",
                to_explore("Traces with this tool", _TOOL_OF_ROW),
                _NO_TOOL,
            ),
            _TOOL,
            "Tool",
            _columns(TOOLS, names.TOOL_NAME, "Uses"),
        ),
    ],
)


_AGENT_TIMES, _TOOL_TIMES = (_SCOPE.select(of, of.bucket) for of in (AGENTS, TOOLS))
_DIAMONDS: Final = "Diamonds are single spans: a click on one opens its trace."

_DURATIONS_ROW: Final = Row(
    9,
    [
        lines(
            About(
                "Duration of agents, p50 and p95",
                f"By agent, failed executions included. {_DIAMONDS}",
                "s",
                to_explore("Traces with this agent", traceql.spans(*_ONE_AGENT)),
                _NO_AGENT,
            ),
            Curve(quantile(0.5, _AGENT_TIMES, [names.AGENT_NAME]), f"p50 {{{{{_AGENT}}}}}"),
            Curve(quantile(0.95, _AGENT_TIMES, [names.AGENT_NAME]), f"p95 {{{{{_AGENT}}}}}"),
        ),
        lines(
            About(
                "Duration of tools, p50 and p95",
                f"By tool, failed uses included. {_MADE_UP} {_DIAMONDS}",
                "s",
                to_explore("Traces with this tool", traceql.spans(*_ONE_TOOL)),
                _NO_TOOL,
            ),
            Curve(quantile(0.5, _TOOL_TIMES, [names.TOOL_NAME]), f"p50 {{{{{_TOOL}}}}}"),
            Curve(quantile(0.95, _TOOL_TIMES, [names.TOOL_NAME]), f"p95 {{{{{_TOOL}}}}}"),
        ),
    ],
)


_ERROR: Final = label_name(names.ERROR_TYPE)
_FAILED_AGENTS, _FAILED_TOOLS = (_SCOPE.select(of, of.count, FAILED) for of in (AGENTS, TOOLS))
_ERROR_LEGEND: Final = f"{{{{{_ERROR}}}}}"

_FAILURES_ROW: Final = Row(
    8,
    [
        bars(
            About(
                "Failed agents",
                "Executions that failed since the bar before, by agent and `error.type`. A failed call "
                "often fails its agent, too: then it is counted in *LLM* as well.",
                "short",
                to_explore("Failed executions of this agent", traceql.spans(*_ONE_AGENT, traceql.FAILED)),
                "no agent failed, or none finished",
            ),
            Curve(
                f"{summed(growth(_FAILED_AGENTS, BAR), [names.AGENT_NAME, names.ERROR_TYPE])} > 0",
                f"{{{{{_AGENT}}}}} {_ERROR_LEGEND}",
            ),
        ),
        bars(
            About(
                "Failed tools",
                f"Uses that failed since the bar before, by tool and `error.type`. {_MADE_UP}",
                "short",
                to_explore("Failed uses of this tool", traceql.spans(*_ONE_TOOL, traceql.FAILED)),
                "no tool failed, or none was used",
            ),
            Curve(
                f"{summed(growth(_FAILED_TOOLS, BAR), [names.TOOL_NAME, names.ERROR_TYPE])} > 0",
                f"{{{{{_TOOL}}}}} {_ERROR_LEGEND}",
            ),
        ),
    ],
)


_RETRIES: Final = traceql.spans(_RETRIED, traceql.SERVICE, _CHOSEN_AGENT, _CHOSEN_TOOL)
_AGAIN: Final = f"{_TASK} > {traceql.spans(*_AGENTS)} | by(span:parentID) | count() > 1"

_RETRIES_ROW: Final = Row(
    9,
    [
        counted(
            About(
                "Retries",
                "Tools on a second or later attempt (`crewai.tool.run_attempts`) and guardrails that "
                "refused an answer before, counted from traces. Models that call tools by function "
                "calling do not say the attempt: they are not in it. Needs TraceQL metrics (Tempo 3).",
                "short",
                to_explore("Traces with retries", _RETRIES),
                "no retry was traced",
            ),
            f"{_RETRIES} | count_over_time() by (span:name)",
        ),
        spans_table(
            About(
                "Agents that were executed again in one task",
                "More than one execution beneath the same task, as after a guardrail that refused the "
                "answer. A click opens the run in detail.",
                "short",
                to_run(TRACE_FIELD),
                "no agent was executed again",
            ),
            Found(_AGAIN, _COLUMNS),
        ),
    ],
)


_EITHER: Final = f"({traceql.AGENT} || {traceql.TOOL})"
_FAILED_EITHER: Final = traceql.spans(_EITHER, traceql.FAILED, traceql.SERVICE, _CHOSEN_AGENT, _CHOSEN_TOOL)
_ABOUT_LATEST: Final = About(
    "Latest failed agents and tools",
    "A click opens the run in detail. Only what was exported as a trace.",
    "short",
    to_run(TRACE_FIELD),
    "nothing failed was traced",
    width=24,
)

_LATEST_ROW: Final = Row(9, [spans_table(_ABOUT_LATEST, Found(_FAILED_EITHER, _COLUMNS))])


def agents_and_tools() -> Board:
    """Return the dashboard *Agents and tools*."""
    return Board(
        "agents-and-tools",
        "otelstream-agents-tools",
        "otelstream: Agents and tools",
        "Which agents and tools are slow, which fail, and what is tried again.",
        [service(), agent(), tool()],
        [_SLOWEST_ROW, _DURATIONS_ROW, _FAILURES_ROW, _RETRIES_ROW, _LATEST_ROW],
    )
