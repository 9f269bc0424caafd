"""What *LLM* asks, and where its links lead."""

from __future__ import annotations

from typing import Final

from dashboards.panels import traceql
from dashboards.panels.links import to_explore
from dashboards.panels.metrics import CALLS, FIRST_CHUNK, OUTPUT_CHUNK, STALLS, TOKENS, label_name
from dashboards.panels.promql import (
    FAILED,
    RANGE,
    Scope,
    growth,
    summed,
)
from otelstream.span import names

MODEL: Final = f"{{{{{label_name(names.REQUEST_MODEL)}}}}}"
BY: Final = [names.REQUEST_MODEL]
SCOPE: Final = Scope({names.REQUEST_MODEL: "model"})
CHAT: Final = f'{label_name(names.OPERATION_NAME)}="{names.CHAT}"'
COUNT: Final = SCOPE.select(CALLS, CALLS.count, CHAT)
BAD: Final = SCOPE.select(CALLS, CALLS.count, CHAT, FAILED)
CALL_TIME: Final = SCOPE.select(CALLS, CALLS.bucket, CHAT)
FIRST: Final = SCOPE.select(FIRST_CHUNK, FIRST_CHUNK.bucket)
BETWEEN: Final = SCOPE.select(OUTPUT_CHUNK, OUTPUT_CHUNK.bucket)
STALLED: Final = SCOPE.select(STALLS, STALLS.family)

CHOSEN: Final = (traceql.CALL, traceql.SERVICE, traceql.chosen(names.REQUEST_MODEL, "model"))
TALK: Final = traceql.chosen(names.CONVERSATION_ID, "conversation")
OF_MODEL: Final = (traceql.CALL, traceql.SERVICE, traceql.same(names.REQUEST_MODEL))
STREAMED: Final = f"span.{names.TIME_TO_FIRST_CHUNK} != nil"
SLOW: Final = f"span.{names.TIME_TO_FIRST_CHUNK} > 2.0"
"""With a point: Tempo looks for whole numbers among whole numbers only."""
HAS_STALLS: Final = f"span.{names.STALLS} > 0"

ALL_ONES: Final = to_explore("Traces with these calls", traceql.spans(*CHOSEN))
FAILED_ONES: Final = to_explore("Traces with failed calls", traceql.spans(*CHOSEN, traceql.FAILED))
STALLED_ONES: Final = to_explore("Traces with stalls", traceql.spans(*CHOSEN, HAS_STALLS))
SLOW_ONES: Final = to_explore("Traces with a slow first chunk", traceql.spans(*CHOSEN, SLOW))
ONE_MODEL: Final = to_explore("Traces with calls of this model", traceql.spans(*OF_MODEL))
ONE_STREAM: Final = to_explore("Streamed calls of this model", traceql.spans(*OF_MODEL, STREAMED))

NO_CALL: Final = "no call ended"
NO_STREAM: Final = "no call was streamed"
WAIT: Final = ((0.0, "green"), (2.0, "yellow"), (10.0, "red"))
DIAMONDS: Final = "Diamonds are single calls: a click on one opens its trace."
COLUMNS: Final = {
    names.TIME_TO_FIRST_CHUNK: "First chunk",
    names.STALLS: "Stalls",
    names.USAGE_INPUT_TOKENS: "Input tokens",
    names.USAGE_OUTPUT_TOKENS: "Output tokens",
    names.ERROR_TYPE: "Error",
    "statusMessage": "Message",
}


def tokens(direction: str) -> str:
    """Return the tokens of one direction in the time that the dashboard shows."""
    kind = f'{label_name(names.TOKEN_TYPE)}="{direction}"'
    return summed(growth(SCOPE.select(TOKENS, TOKENS.total, kind), RANGE))


ENDED, FAILED_CALLS, STALLED_ALL = (summed(growth(of, RANGE)) for of in (COUNT, BAD, STALLED))
UNKNOWN: Final = "Calls whose provider reports no usage are not in it."
