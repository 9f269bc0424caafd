"""*LLM*: calls to models, their tokens, how fast answers come, and what fails."""

from __future__ import annotations

from typing import Final

from dashboards.panels import llm_queries as asked
from dashboards.panels import traceql
from dashboards.panels.about import BAD_SHARE, About, Row
from dashboards.panels.board import Board
from dashboards.panels.links import to_explore, to_run
from dashboards.panels.measured import Curve, bars, lines, number, spread
from dashboards.panels.metrics import TOKENS, label_name
from dashboards.panels.promql import (
    BAR,
    growth,
    part,
    per_second,
    quantile,
    quantile_of_range,
    share,
    summed,
)
from dashboards.panels.traced import TRACE_FIELD, Found, spans_table
from dashboards.panels.variables import conversation, model, service
from otelstream.span import names

_NUMBERS_ROW: Final = Row(
    4,
    [
        number(
            About(
                "Calls",
                "Calls to models that ended in this time, failed ones included. Searches and memory "
                "operations share the metric and are left out.",
                "short",
                asked.ALL_ONES,
                asked.NO_CALL,
                width=4,
            ),
            asked.ENDED,
        ),
        number(
            About(
                "Failure share",
                "Calls that failed, of all that ended. Yellow from 1 %, red from 5 %. What a provider's "
                "client repeats by itself is not seen.",
                "percentunit",
                asked.FAILED_ONES,
                asked.NO_CALL,
                BAD_SHARE,
                4,
            ),
            share(asked.FAILED_CALLS, asked.ENDED),
        ),
        number(
            About(
                "Input tokens",
                f"Of calls only: agents and crews report the same tokens again. {asked.UNKNOWN}",
                "short",
                asked.ALL_ONES,
                "no usage reported",
                width=4,
            ),
            asked.tokens("input"),
        ),
        number(
            About(
                "Output tokens",
                f"Of calls only, reasoning included. {asked.UNKNOWN}",
                "short",
                asked.ALL_ONES,
                "no usage reported",
                width=4,
            ),
            asked.tokens("output"),
        ),
        number(
            About(
                "First chunk, p95",
                "Of streamed calls in this time. Yellow from 2 s, which is also what counts as a stall by "
                "default; red from 10 s, where people leave.",
                "s",
                asked.SLOW_ONES,
                asked.NO_STREAM,
                asked.WAIT,
                4,
            ),
            quantile_of_range(0.95, asked.FIRST),
        ),
        number(
            About(
                "Stalls",
                "Pauses between two chunks of one answer, of 2 s or what OTELSTREAM_STALL_MS says. 0 means "
                "that calls ended and none of them stalled.",
                "short",
                asked.STALLED_ONES,
                asked.NO_CALL,
                ((0.0, "green"), (1.0, "yellow")),
                4,
            ),
            part(asked.STALLED_ALL, asked.ENDED),
        ),
    ],
)


_BY_KIND: Final = [names.REQUEST_MODEL, names.TOKEN_TYPE]
_USED: Final = growth(asked.SCOPE.select(TOKENS, TOKENS.total), BAR)

_VOLUME_ROW: Final = Row(
    8,
    [
        lines(
            About(
                "Calls a second",
                "Calls that ended, by model, from one point to the next.",
                "ops",
                asked.ONE_MODEL,
                asked.NO_CALL,
            ),
            Curve(per_second(summed(growth(asked.COUNT, BAR), asked.BY)), asked.MODEL),
        ),
        bars(
            About(
                "Tokens by model and direction",
                "What calls used since the bar before. Input includes what came from a cache, output "
                "includes reasoning. Calls without reported usage are not in it.",
                "short",
                asked.ONE_MODEL,
                "no usage reported",
            ),
            Curve(summed(_USED, _BY_KIND), f"{asked.MODEL} {{{{{label_name(names.TOKEN_TYPE)}}}}}"),
        ),
    ],
)


_WAITING_ROW: Final = Row(
    9,
    [
        lines(
            About(
                "Time to first chunk, p50 and p95",
                f"From the request to the first piece of the answer, streamed calls only. {asked.DIAMONDS}",
                "s",
                asked.ONE_STREAM,
                asked.NO_STREAM,
                asked.WAIT,
            ),
            Curve(quantile(0.5, asked.FIRST, asked.BY), f"p50 {asked.MODEL}"),
            Curve(quantile(0.95, asked.FIRST, asked.BY), f"p95 {asked.MODEL}"),
        ),
        spread(
            About(
                "Times to first chunk",
                "How many streamed calls waited how long, over all chosen models.",
                "s",
                asked.SLOW_ONES,
                asked.NO_STREAM,
            ),
            summed(growth(asked.FIRST, BAR), ["le"]),
        ),
    ],
)


_FLOWING_ROW: Final = Row(
    8,
    [
        lines(
            About(
                "Time per output chunk, p50 and p95",
                "Between two pieces of an answer. A piece is what the provider sends, often one token and "
                f"sometimes a sentence. {asked.DIAMONDS}",
                "s",
                asked.ONE_STREAM,
                asked.NO_STREAM,
            ),
            Curve(quantile(0.5, asked.BETWEEN, asked.BY), f"p50 {asked.MODEL}"),
            Curve(quantile(0.95, asked.BETWEEN, asked.BY), f"p95 {asked.MODEL}"),
        ),
        bars(
            About(
                "Stalls by model",
                "Pauses of 2 s or more (OTELSTREAM_STALL_MS) since the bar before. Models without a stall "
                "have no bar.",
                "short",
                to_explore("Stalls of this model", traceql.spans(*asked.OF_MODEL, asked.HAS_STALLS)),
                "no stalls, or no calls",
            ),
            Curve(f"{summed(growth(asked.STALLED, BAR), asked.BY)} > 0", asked.MODEL),
        ),
    ],
)


_ENDING_ROW: Final = Row(
    8,
    [
        lines(
            About(
                "Duration of calls, p50 and p95",
                f"From request to the end of the answer, by model, failed calls included. {asked.DIAMONDS}",
                "s",
                asked.ONE_MODEL,
                asked.NO_CALL,
            ),
            Curve(quantile(0.5, asked.CALL_TIME, asked.BY), f"p50 {asked.MODEL}"),
            Curve(quantile(0.95, asked.CALL_TIME, asked.BY), f"p95 {asked.MODEL}"),
        ),
        bars(
            About(
                "Failed calls by error",
                "Since the bar before, by `error.type`: what the provider or the client called it.",
                "short",
                to_explore(
                    "Calls with this error",
                    traceql.spans(*asked.CHOSEN, traceql.same(names.ERROR_TYPE)),
                ),
                "no call failed, or none ended",
            ),
            Curve(
                f"{summed(growth(asked.BAD, BAR), [names.ERROR_TYPE])} > 0",
                f"{{{{{label_name(names.ERROR_TYPE)}}}}}",
            ),
        ),
    ],
)


_NOTE: Final = (
    "A click opens its run in detail. Conversations filter these two tables only: no metric has them."
)
_UNITS: Final = {names.TIME_TO_FIRST_CHUNK: "s"}

_TABLES_ROW: Final = Row(
    10,
    [
        spans_table(
            About(
                "Calls that waited more than 2 s for their first chunk",
                _NOTE,
                "short",
                to_run(TRACE_FIELD),
                "no such call was traced",
            ),
            Found(traceql.spans(*asked.CHOSEN, asked.TALK, asked.SLOW), asked.COLUMNS, units=_UNITS),
        ),
        spans_table(
            About("Latest failed calls", _NOTE, "short", to_run(TRACE_FIELD), "no failed call was traced"),
            Found(traceql.spans(*asked.CHOSEN, asked.TALK, traceql.FAILED), asked.COLUMNS, units=_UNITS),
        ),
    ],
)


def llm() -> Board:
    """Return the dashboard *LLM*."""
    return Board(
        "llm",
        "otelstream-llm",
        "otelstream: LLM",
        "Calls to models: how many, how many tokens, how long people wait, and what fails.",
        [service(), model(), conversation()],
        [_NUMBERS_ROW, _VOLUME_ROW, _WAITING_ROW, _FLOWING_ROW, _ENDING_ROW, _TABLES_ROW],
    )
