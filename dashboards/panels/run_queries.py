"""What *Runs* asks, and where its links lead."""

from __future__ import annotations

from typing import Final

from dashboards.panels import traceql
from dashboards.panels.links import to_explore
from dashboards.panels.metrics import FRAMES, RUNS, RUNS_ACTIVE, label_name
from dashboards.panels.promql import (
    RANGE,
    Scope,
    growth,
    part,
    summed,
)
from otelstream.span import names

NAME: Final = label_name(names.RUN_NAME)
LEGEND: Final = f"{{{{{NAME}}}}}"
SCOPE: Final = Scope({names.RUN_NAME: "flow"})
COUNT: Final = SCOPE.select(RUNS, RUNS.count)
BAD: Final = SCOPE.select(RUNS, RUNS.count, f'{label_name(names.END)}=~"failed|cut"')
BUCKET: Final = SCOPE.select(RUNS, RUNS.bucket)
ACTIVE: Final = SCOPE.select(RUNS_ACTIVE, RUNS_ACTIVE.family)

RUN: Final = (traceql.RUN, traceql.SERVICE)
CHOSEN: Final = (*RUN, traceql.FLOW, traceql.chosen(names.CONVERSATION_ID, "conversation"))
CLICKED: Final = (*RUN, f"span:name = {traceql.of_series(NAME)}")
ROW: Final = (*RUN, f"span:name = {traceql.of_row(NAME)}")
ALL_RUNS: Final = to_explore("These runs' traces", traceql.spans(*RUN, traceql.FLOW))
BAD_RUNS: Final = to_explore("Failed runs' traces", traceql.spans(*RUN, traceql.FLOW, traceql.RUN_FAILED))
THIS_FLOW: Final = to_explore("Traces of this flow", traceql.spans(*CLICKED))
LATEST: Final = to_explore("What was traced last", traceql.spans(traceql.SERVICE))

NO_RUN: Final = "no run ended"
COLUMNS: Final = {
    names.END: "End",
    names.ERROR_TYPE: "Error",
    "statusMessage": "Message",
    names.CONVERSATION_ID: "Conversation",
}
EXACT: Final = (
    "A run is one observed session; crews and flows inside of it are not counted again. "
    "Runs of processes that live shorter than one export are counted, too."
)


FAILED_RUNS: Final = part(summed(growth(BAD, RANGE)), summed(growth(COUNT, RANGE)))
SEEN: Final = SCOPE.select(FRAMES, FRAMES.family)
