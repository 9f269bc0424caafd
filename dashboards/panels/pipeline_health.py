"""*Pipeline health*: whether otelstream itself keeps up and loses nothing."""

from __future__ import annotations

from typing import Final

from dashboards.panels import pipeline_queries as asked
from dashboards.panels import traceql
from dashboards.panels.about import BAD_COUNT, About, Row
from dashboards.panels.board import Board
from dashboards.panels.links import to_run
from dashboards.panels.measured import Curve, bars, lines, number, spread
from dashboards.panels.metrics import DROP_REASON
from dashboards.panels.promql import (
    BAR,
    growth,
    part,
    per_second,
    quantile,
    quantile_of_range,
    summed,
)
from dashboards.panels.traced import TRACE_FIELD, Found, spans_table
from dashboards.panels.variables import service
from otelstream.span import names

_NUMBERS_ROW: Final = Row(
    4,
    [
        number(
            About(
                "Processes",
                "That reported in the last five minutes. None: nobody observes, OTEL_METRICS_EXPORTER is "
                "not set, or exports fail.",
                "short",
                asked.LATEST,
                asked.SILENT,
                width=4,
            ),
            f"count(sum by (job, instance) ({asked.SEEN}))",
        ),
        number(
            About(
                "Frames", "That were observed in this time.", "short", asked.BIGGEST, asked.SILENT, width=4
            ),
            asked.SEEN_ALL,
        ),
        number(
            About(
                "Dropped",
                "All that was lost in this time, whatever the reason: frames, spans, log records and "
                "exports, each counted once. Red from the first one: something is missing somewhere.",
                "short",
                asked.GAPS,
                asked.SILENT,
                BAD_COUNT,
                4,
            ),
            part(asked.LOST_ALL, asked.SEEN_ALL),
        ),
        number(
            About(
                "Waiting frames",
                "In the fullest queue of a process. Yellow from 10,000 and red from 100,000: they are not "
                "handled as fast as they come, and are dropped when the queue's 256 MB are full.",
                "short",
                asked.LATEST,
                asked.SILENT,
                asked.BACKLOG,
                4,
            ),
            f"max({asked.WAITING})",
        ),
        number(
            About(
                "Commit, p95",
                "Of recordings in this time. Yellow from 0.1 s, which is how long frames gather by "
                "default; red from 1 s: the disk is full, slow or far away.",
                "s",
                asked.RECORDED,
                asked.NO_COMMIT,
                asked.SLOW_DISK,
                4,
            ),
            quantile_of_range(0.95, asked.COMMIT),
        ),
        number(
            About(
                "Open spans",
                "That have begun and not ended, as last reported. A killed process is counted for five "
                "more minutes.",
                "short",
                asked.LATEST,
                asked.SILENT,
                width=4,
            ),
            summed(asked.OPEN),
        ),
    ],
)


_REASON: Final = f"{{{{{DROP_REASON}}}}}"
_ABOUT_LOSSES: Final = About(
    "Dropped, by reason",
    "Lost since the bar before. queue_full: frames came faster than they were handled. export, logs, "
    "metrics: the backend did not take them. No bars: nothing was lost, or nobody reports (see Processes).",
    "short",
    asked.GAPS,
    "nothing was lost, or nobody reports",
)
_ABOUT_GAPS: Final = About(
    "Runs whose trace or recording is not whole",
    "Frames were dropped, or events and content did not fit in the budgets of spans and traces. "
    "A click opens the run in detail.",
    "short",
    to_run(TRACE_FIELD),
    "no such run was traced",
)
_COLUMNS: Final = {
    names.FRAMES_DROPPED: "Frames dropped",
    names.EVENTS_DROPPED: "Events left out",
    names.CONTENT_DROPPED: "Content left out",
}
_FOUND: Final = Found(
    traceql.spans(asked.LOSS, traceql.SERVICE), _COLUMNS, units={names.CONTENT_DROPPED: "decbytes"}
)

_LOSSES_ROW: Final = Row(
    9,
    [
        bars(_ABOUT_LOSSES, Curve(f"{summed(growth(asked.LOST, BAR), [DROP_REASON])} > 0", _REASON)),
        spans_table(_ABOUT_GAPS, _FOUND),
    ],
)


_THROUGHPUT_ROW: Final = Row(
    8,
    [
        lines(
            About(
                "Frames a second",
                "Observed, by service, from one point to the next.",
                "ops",
                asked.BIGGEST,
                asked.SILENT,
            ),
            Curve(per_second(summed(growth(asked.SEEN, BAR), ["job"])), "{{job}}"),
        ),
        lines(
            About(
                "Waiting frames",
                "In the fullest queue of each service's processes, as each last reported it: peaks "
                "between two exports are not seen.",
                "short",
                asked.RUNS,
                asked.SILENT,
                asked.BACKLOG,
            ),
            Curve(f"max by (job) ({asked.WAITING})", "{{job}}"),
        ),
    ],
)


_COMMITS_ROW: Final = Row(
    8,
    [
        lines(
            About(
                "Commit times, p50 and p95",
                "Of recordings, over all chosen services. The program waits for a commit only at a run's "
                "end.",
                "s",
                asked.RECORDED,
                asked.NO_COMMIT,
                asked.SLOW_DISK,
            ),
            Curve(quantile(0.5, asked.COMMIT), "p50"),
            Curve(quantile(0.95, asked.COMMIT), "p95"),
        ),
        spread(
            About("Commit times", "How many commits took how long.", "s", asked.RECORDED, asked.NO_COMMIT),
            summed(growth(asked.COMMIT, BAR), ["le"]),
        ),
    ],
)


_OPEN_ROW: Final = Row(
    8,
    [
        lines(
            About(
                "Open spans",
                "By service. Spans that stay open while nothing runs were not ended by their frames.",
                "short",
                asked.LATEST,
                asked.SILENT,
            ),
            Curve(summed(asked.OPEN, ["job"]), "{{job}}"),
        ),
        lines(
            About(
                "Runs that have not ended",
                "By service, as last reported: for comparison with the open spans.",
                "short",
                asked.LATEST,
                "nothing ran",
            ),
            Curve(summed(asked.ACTIVE, ["job"]), "{{job}}"),
        ),
    ],
)


def pipeline_health() -> Board:
    """Return the dashboard *Pipeline health*."""
    return Board(
        "pipeline-health",
        "otelstream-pipeline",
        "otelstream: Pipeline health",
        "Does otelstream keep up, and does it lose anything?",
        [service()],
        [_NUMBERS_ROW, _LOSSES_ROW, _THROUGHPUT_ROW, _COMMITS_ROW, _OPEN_ROW],
    )
