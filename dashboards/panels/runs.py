"""*Runs*: is something broken, since when, in which flow, and which trace shows it."""

from __future__ import annotations

from typing import Final

from dashboards.panels import traceql
from dashboards.panels.about import BAD_COUNT, BAD_SHARE, About, Row
from dashboards.panels.board import Board
from dashboards.panels.links import to_explore, to_run
from dashboards.panels.measured import Column, Curve, bars, lines, listing, number, spread
from dashboards.panels.metrics import FRAMES, RUNS, RUNS_ACTIVE, label_name
from dashboards.panels.promql import (
    BAR,
    RANGE,
    Scope,
    growth,
    part,
    per_second,
    quantile,
    quantile_of_range,
    share,
    summed,
)
from dashboards.panels.traced import TRACE_FIELD, Found, spans_table
from dashboards.panels.variables import conversation, flow, service
from otelstream.span import names

_NAME: Final = label_name(names.RUN_NAME)
_LEGEND: Final = f"{{{{{_NAME}}}}}"
_SCOPE: Final = Scope({names.RUN_NAME: "flow"})
_COUNT: Final = _SCOPE.select(RUNS, RUNS.count)
_BAD: Final = _SCOPE.select(RUNS, RUNS.count, f'{label_name(names.END)}=~"failed|cut"')
_BUCKET: Final = _SCOPE.select(RUNS, RUNS.bucket)
_ACTIVE: Final = _SCOPE.select(RUNS_ACTIVE, RUNS_ACTIVE.family)

_RUN: Final = (traceql.RUN, traceql.SERVICE)
_CHOSEN: Final = (*_RUN, traceql.FLOW, traceql.chosen(names.CONVERSATION_ID, "conversation"))
_CLICKED: Final = (*_RUN, f"span:name = `${{__field.labels.{_NAME}}}`")
_ROW: Final = (*_RUN, f"span:name = `${{__data.fields.{_NAME}}}`")
_ALL_RUNS: Final = to_explore("These runs' traces", traceql.spans(*_RUN, traceql.FLOW))
_BAD_RUNS: Final = to_explore("Failed runs' traces", traceql.spans(*_RUN, traceql.FLOW, traceql.RUN_FAILED))
_THIS_FLOW: Final = to_explore("Traces of this flow", traceql.spans(*_CLICKED))
_LATEST: Final = to_explore("What was traced last", traceql.spans(traceql.SERVICE))

_NO_RUN: Final = "no run ended"
_COLUMNS: Final = {
    names.END: "End",
    names.ERROR_TYPE: "Error",
    "statusMessage": "Message",
    names.CONVERSATION_ID: "Conversation",
}
_EXACT: Final = (
    "A run is one observed session; crews and flows inside of it are not counted again. "
    "Runs of processes that live shorter than one export are counted, too."
)


def _failing(window: str) -> str:
    return share(summed(growth(_BAD, window)), summed(growth(_COUNT, window)))


def _numbers() -> Row:
    failed = part(summed(growth(_BAD, RANGE)), summed(growth(_COUNT, RANGE)))
    frames = _SCOPE.select(FRAMES, FRAMES.family)
    return Row(
        4,
        [
            number(
                About(
                    "Failure share",
                    "Runs that failed or were cut off, of all that ended in this time. Yellow from 1 %, red "
                    f"from 5 %. Cancelled runs are no failures. Without runs there is no share. {_EXACT}",
                    "percentunit",
                    _BAD_RUNS,
                    _NO_RUN,
                    BAD_SHARE,
                    6,
                ),
                _failing(RANGE),
            ),
            number(
                About(
                    "Failed runs",
                    "Runs that failed or were cut off in this time. Red from the first one. 0 says that runs "
                    f"ended and none failed. {_EXACT}",
                    "short",
                    _BAD_RUNS,
                    _NO_RUN,
                    BAD_COUNT,
                    6,
                ),
                failed,
            ),
            number(
                About(
                    "Runs that ended",
                    f"However they ended, in this time. What still runs is not in it. {_EXACT}",
                    "short",
                    _ALL_RUNS,
                    _NO_RUN,
                    width=6,
                ),
                summed(growth(_COUNT, RANGE)),
            ),
            number(
                About(
                    "Running now",
                    "Runs that have begun and not ended, as last reported. A killed process is counted for "
                    "five more minutes. 0 means that processes report and nothing runs.",
                    "short",
                    _LATEST,
                    "no process reports",
                    width=6,
                ),
                part(summed(_ACTIVE), summed(frames)),
            ),
        ],
    )


def _failures() -> Row:
    return Row(
        9,
        [
            bars(
                About(
                    "Failed runs by flow",
                    "Since when, and which flow: each bar is what failed, or was cut off, since the last. "
                    f"Flows without a failure have no bar. {_EXACT}",
                    "short",
                    to_explore("Failed runs of this flow", traceql.spans(*_CLICKED, traceql.RUN_FAILED)),
                    "no run failed, or none ended",
                ),
                Curve(summed(growth(_BAD, BAR), [names.RUN_NAME]) + " > 0", _LEGEND),
            ),
            spans_table(
                About(
                    "Latest failed runs",
                    "A click opens the run in detail. Only what was exported as a trace: a sampler may have "
                    "left out runs that the numbers count.",
                    "short",
                    to_run(TRACE_FIELD),
                    "no failed run was traced",
                ),
                Found(traceql.spans(*_CHOSEN, traceql.RUN_FAILED), _COLUMNS),
            ),
        ],
    )


def _flows() -> Row:
    by = [names.RUN_NAME]
    ended, failed = (summed(growth(of, RANGE), by) for of in (_COUNT, _BAD))
    columns = [
        Column("Runs", ended),
        Column("Failed", part(failed, ended), levels=BAD_COUNT),
        Column("Failure share", share(failed, ended), "percentunit", BAD_SHARE),
        Column("p50", quantile_of_range(0.5, _BUCKET, by), "s"),
        Column("p95", quantile_of_range(0.95, _BUCKET, by), "s"),
    ]
    about = About(
        "Flows",
        "What ended in this time, by the name of the run's own span. p50 and p95 are estimated from buckets "
        f"(1 s to 2 h): of what took less than 1 s they know no more than that. {_EXACT}",
        "short",
        to_explore("Traces of this flow", traceql.spans(*_ROW)),
        _NO_RUN,
        width=24,
    )
    return Row(8, [listing(about, _NAME, "Run", columns)])


def _rates() -> Row:
    return Row(
        8,
        [
            lines(
                About(
                    "Runs a second",
                    f"Runs that ended, by flow, from one point to the next. {_EXACT}",
                    "ops",
                    _THIS_FLOW,
                    _NO_RUN,
                ),
                Curve(per_second(summed(growth(_COUNT, BAR), [names.RUN_NAME])), _LEGEND),
            ),
            bars(
                About(
                    "Runs by end",
                    "Completed, failed, cancelled, or cut: the observed program went away. Each bar is what "
                    "ended since the bar before.",
                    "short",
                    to_explore(
                        "Runs that ended so",
                        traceql.spans(*_RUN, traceql.FLOW, traceql.same(names.END)),
                    ),
                    _NO_RUN,
                ),
                Curve(summed(growth(_COUNT, BAR), [names.END]), f"{{{{{label_name(names.END)}}}}}"),
            ),
        ],
    )


def _durations() -> Row:
    by = [names.RUN_NAME]
    return Row(
        9,
        [
            lines(
                About(
                    "Duration, p50 and p95",
                    "Of runs that ended, by flow, estimated from buckets between 1 s and 2 h. Diamonds are "
                    "single runs: a click on one opens its trace.",
                    "s",
                    _THIS_FLOW,
                    _NO_RUN,
                ),
                Curve(quantile(0.5, _BUCKET, by), f"p50 {_LEGEND}"),
                Curve(quantile(0.95, _BUCKET, by), f"p95 {_LEGEND}"),
            ),
            spread(
                About(
                    "Durations",
                    "How many runs took how long, over all chosen flows.",
                    "s",
                    _ALL_RUNS,
                    _NO_RUN,
                ),
                summed(growth(_BUCKET, BAR), ["le"]),
            ),
        ],
    )


def _latest() -> Row:
    return Row(
        10,
        [
            spans_table(
                About(
                    "Latest runs",
                    "A click opens the run in detail. Only runs whose own span was exported: one that still "
                    "runs is not here.",
                    "short",
                    to_run(TRACE_FIELD),
                    "no run was traced",
                    width=16,
                ),
                Found(traceql.spans(*_CHOSEN), _COLUMNS),
            ),
            lines(
                About(
                    "Running now, by flow",
                    "As each process last reported it. A killed process is counted for five more minutes.",
                    "short",
                    _LATEST,
                    "nothing ran",
                    width=8,
                ),
                Curve(summed(_ACTIVE, [names.RUN_NAME]), _LEGEND),
            ),
        ],
    )


def runs() -> Board:
    """Return the dashboard *Runs*."""
    return Board(
        "runs",
        "otelstream-runs",
        "otelstream: Runs",
        "Is something broken, since when, in which flow? The first row tells, the second shows the traces.",
        [service(), flow(), conversation()],
        [_numbers(), _failures(), _flows(), _rates(), _durations(), _latest()],
    )
