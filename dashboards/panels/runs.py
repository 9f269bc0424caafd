"""*Runs*: is something broken, since when, in which flow, and which trace shows it."""

from __future__ import annotations

from typing import Final

from dashboards.panels import run_queries as asked
from dashboards.panels import traceql
from dashboards.panels.about import BAD_COUNT, BAD_SHARE, About, Row
from dashboards.panels.board import Board
from dashboards.panels.links import to_explore, to_run
from dashboards.panels.measured import Column, Curve, bars, lines, listing, number, spread
from dashboards.panels.metrics import label_name
from dashboards.panels.promql import (
    BAR,
    RANGE,
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

_NUMBERS_ROW: Final = Row(
    4,
    [
        number(
            About(
                "Failure share",
                "Runs that failed or were cut off, of all that ended in this time. Yellow from 1 %, red "
                f"from 5 %. Cancelled runs are no failures. Without runs there is no share. {asked.EXACT}",
                "percentunit",
                asked.BAD_RUNS,
                asked.NO_RUN,
                BAD_SHARE,
                6,
            ),
            share(summed(growth(asked.BAD, RANGE)), summed(growth(asked.COUNT, RANGE))),
        ),
        number(
            About(
                "Failed runs",
                "Runs that failed or were cut off in this time. Red from the first one. 0 says that runs "
                f"ended and none failed. {asked.EXACT}",
                "short",
                asked.BAD_RUNS,
                asked.NO_RUN,
                BAD_COUNT,
                6,
            ),
            asked.FAILED_RUNS,
        ),
        number(
            About(
                "Runs that ended",
                f"However they ended, in this time. What still runs is not in it. {asked.EXACT}",
                "short",
                asked.ALL_RUNS,
                asked.NO_RUN,
                width=6,
            ),
            summed(growth(asked.COUNT, RANGE)),
        ),
        number(
            About(
                "Running now",
                "Runs that have begun and not ended, as last reported. A killed process is counted for "
                "five more minutes. 0 means that processes report and nothing runs.",
                "short",
                asked.LATEST,
                "no process reports",
                width=6,
            ),
            part(summed(asked.ACTIVE), summed(asked.SEEN)),
        ),
    ],
)


_FAILURES_ROW: Final = Row(
    9,
    [
        bars(
            About(
                "Failed runs by flow",
                "Since when, and which flow: each bar is what failed, or was cut off, since the last. "
                f"Flows without a failure have no bar. {asked.EXACT}",
                "short",
                to_explore("Failed runs of this flow", traceql.spans(*asked.CLICKED, traceql.RUN_FAILED)),
                "no run failed, or none ended",
            ),
            Curve(summed(growth(asked.BAD, BAR), [names.RUN_NAME]) + " > 0", asked.LEGEND),
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
            Found(traceql.spans(*asked.CHOSEN, traceql.RUN_FAILED), asked.COLUMNS),
        ),
    ],
)


_BY: Final = [names.RUN_NAME]
_ENDED_EACH, _FAILED_EACH = (summed(growth(of, RANGE), _BY) for of in (asked.COUNT, asked.BAD))
_OF_EACH_FLOW: Final = [
    Column("Runs", _ENDED_EACH),
    Column("Failed", part(_FAILED_EACH, _ENDED_EACH), levels=BAD_COUNT),
    Column("Failure share", share(_FAILED_EACH, _ENDED_EACH), "percentunit", BAD_SHARE),
    Column("p50", quantile_of_range(0.5, asked.BUCKET, _BY), "s"),
    Column("p95", quantile_of_range(0.95, asked.BUCKET, _BY), "s"),
]
_ABOUT_FLOWS: Final = About(
    "Flows",
    "What ended in this time, by the name of the run's own span. p50 and p95 are estimated from buckets "
    f"(1 s to 2 h): of what took less than 1 s they know no more than that. {asked.EXACT}",
    "short",
    to_explore("Traces of this flow", traceql.spans(*asked.ROW)),
    asked.NO_RUN,
    width=24,
)

_FLOWS_ROW: Final = Row(8, [listing(_ABOUT_FLOWS, asked.NAME, "Run", _OF_EACH_FLOW)])


_RATES_ROW: Final = Row(
    8,
    [
        lines(
            About(
                "Runs a second",
                f"Runs that ended, by flow, from one point to the next. {asked.EXACT}",
                "ops",
                asked.THIS_FLOW,
                asked.NO_RUN,
            ),
            Curve(per_second(summed(growth(asked.COUNT, BAR), [names.RUN_NAME])), asked.LEGEND),
        ),
        bars(
            About(
                "Runs by end",
                "Completed, failed, cancelled, or cut: the observed program went away. Each bar is what "
                "ended since the bar before.",
                "short",
                to_explore(
                    "Runs that ended so",
                    traceql.spans(*asked.RUN, traceql.FLOW, traceql.same(names.END)),
                ),
                asked.NO_RUN,
            ),
            Curve(summed(growth(asked.COUNT, BAR), [names.END]), f"{{{{{label_name(names.END)}}}}}"),
        ),
    ],
)


_DURATIONS_ROW: Final = Row(
    9,
    [
        lines(
            About(
                "Duration, p50 and p95",
                "Of runs that ended, by flow, estimated from buckets between 1 s and 2 h. Diamonds are "
                "single runs: a click on one opens its trace.",
                "s",
                asked.THIS_FLOW,
                asked.NO_RUN,
            ),
            Curve(quantile(0.5, asked.BUCKET, _BY), f"p50 {asked.LEGEND}"),
            Curve(quantile(0.95, asked.BUCKET, _BY), f"p95 {asked.LEGEND}"),
        ),
        spread(
            About(
                "Durations",
                "How many runs took how long, over all chosen flows.",
                "s",
                asked.ALL_RUNS,
                asked.NO_RUN,
            ),
            summed(growth(asked.BUCKET, BAR), ["le"]),
        ),
    ],
)


_LATEST_ROW: Final = Row(
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
            Found(traceql.spans(*asked.CHOSEN), asked.COLUMNS),
        ),
        lines(
            About(
                "Running now, by flow",
                "As each process last reported it. A killed process is counted for five more minutes.",
                "short",
                asked.LATEST,
                "nothing ran",
                width=8,
            ),
            Curve(summed(asked.ACTIVE, [names.RUN_NAME]), asked.LEGEND),
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
        [_NUMBERS_ROW, _FAILURES_ROW, _FLOWS_ROW, _RATES_ROW, _DURATIONS_ROW, _LATEST_ROW],
    )
