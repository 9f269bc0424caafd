"""What *Pipeline health* asks, and where its links lead."""

from __future__ import annotations

from typing import Final

from dashboards.panels import traceql
from dashboards.panels.links import to_explore
from dashboards.panels.metrics import COMMITS, DROPPED, FRAMES, QUEUE, RUNS_ACTIVE, SPANS_OPEN
from dashboards.panels.promql import (
    RANGE,
    Scope,
    growth,
    summed,
)
from otelstream.span import names

SCOPE: Final = Scope({})
SEEN: Final = SCOPE.select(FRAMES, FRAMES.family)
LOST: Final = SCOPE.select(DROPPED, DROPPED.family)
WAITING: Final = SCOPE.select(QUEUE, QUEUE.family)
OPEN: Final = SCOPE.select(SPANS_OPEN, SPANS_OPEN.family)
ACTIVE: Final = SCOPE.select(RUNS_ACTIVE, RUNS_ACTIVE.family)
COMMIT: Final = SCOPE.select(COMMITS, COMMITS.bucket)

RUN: Final = (traceql.RUN, traceql.SERVICE)
LOSS: Final = (
    f"(span.{names.FRAMES_DROPPED} > 0 || span.{names.EVENTS_DROPPED} > 0 || "
    f"span.{names.CONTENT_DROPPED} > 0)"
)
RUNS: Final = to_explore("Traces of these runs", traceql.spans(*RUN))
GAPS: Final = to_explore("Runs that miss frames", traceql.spans(*RUN, f"span.{names.FRAMES_DROPPED} > 0"))
RECORDED: Final = to_explore(
    "Runs that were recorded", traceql.spans(*RUN, f"span.{names.RECORDING_FILE} != nil")
)
LATEST: Final = to_explore("What was traced last", traceql.spans(traceql.SERVICE))
BIGGEST: Final = to_explore("Runs of many frames", traceql.spans(*RUN, f"span.{names.FRAMES} > 1000"))

SILENT: Final = "no process reports"
NO_COMMIT: Final = "nothing was recorded"
BACKLOG: Final = ((0.0, "green"), (10_000.0, "yellow"), (100_000.0, "red"))
SLOW_DISK: Final = ((0.0, "green"), (0.1, "yellow"), (1.0, "red"))


SEEN_ALL, LOST_ALL = (summed(growth(of, RANGE)) for of in (SEEN, LOST))
