"""A mixed load of 50 runs, as a program would have in an hour: most go well, some fail, stop or are long.

About half are streams that CrewAI really emitted, `scripted.py` tells the others; each time it is the same.
`python -m tests.e2e.weigh` prints what it weighs.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cache
from itertools import islice
from typing import Any, Final, Literal

import otelstream
from otelstream.frame import StreamFrame
from otelstream.span.options import SpanOptions
from tests.e2e.runs import asession, golden, session
from tests.e2e.scripted import (
    branches,
    direct,
    failing,
    heavy,
    long_answer,
    research,
    stalled,
    turn,
)
from tests.e2e.stories import MODELS

RUNS: Final = 50
RATE_LIMITED: Final = "OpenAI API call failed: Error code: 429 - {'error': {'message': 'Rate limit reached'}}"

EVERYTHING: Final = SpanOptions(
    content="SPAN_AND_EVENT", chunk_events="all", pending_spans=True, pending_after_ms=0
)
"""All that makes a trace heavier, at once."""

End = Literal["completed", "failed", "cancelled", "forgotten"]


@dataclass(frozen=True, slots=True)
class LoadRun:
    """One run of a load.

    Attributes:
        name: What happens in it.
        frames: Its frames.
        end: What the program sees of its end, or does to it: `cancelled` is closed by the program before the
            last frame, `forgotten` is dropped there without a word.
        asynchronous: Whether it is consumed with `async for`.
    """

    name: str
    frames: tuple[StreamFrame, ...]
    end: End = "completed"
    asynchronous: bool = False

    @property
    def told_end(self) -> str:
        """The run's `otelstream.end`."""
        return "cancelled" if self.end == "forgotten" else self.end


def _golden(name: str, end: End = "completed", *, asynchronous: bool = False) -> LoadRun:
    suffix = "" if name.endswith(".gz") else ".jsonl"
    return LoadRun(name.removesuffix(".jsonl.gz"), golden(name + suffix), end, asynchronous)


def _scripted(
    name: str, frames: Sequence[StreamFrame], end: End = "completed", *, asynchronous: bool = False
) -> LoadRun:
    return LoadRun(name, tuple(frames), end, asynchronous)


@cache
def mixed_load() -> tuple[LoadRun, ...]:
    """Return the 50 runs in their order; no two share a frame id."""
    return tuple(replace(run, frames=_of_its_own(run.frames, number)) for number, run in enumerate(_runs()))


def _runs() -> list[LoadRun]:
    half = len(research(20)) // 2
    return [
        _golden("03_parallel_starts.jsonl.gz"),
        _golden("04_crew_streaming"),
        _golden("04b_crew_llm_not_streaming"),
        _golden("05_crew_two_agents_tools.jsonl.gz", asynchronous=True),
        _golden("06_tool_raises.jsonl.gz"),
        _golden("07_llm_http500", "failed"),
        _golden("07c_llm_cut_midstream", "failed"),
        _golden("07d_llm_http500_nonstream_sync"),
        _golden("08_method_raises", "failed"),
        _golden("11_nested_flow"),
        _golden("12_conversation_turn1"),
        _golden("12_conversation_turn2"),
        _golden("13_feedback_pending"),
        _golden("13_feedback_resume"),
        _golden("16_llm_stream_events"),
        _golden("16b_llm_stream_events_tools", asynchronous=True),
        _golden("16d_llm_stream_events_error", "failed"),
        _golden("18_close_early", "cancelled"),
        _golden("18b_aclose_early_async", "cancelled", asynchronous=True),
        _golden("20_long_5000_chunks.jsonl.gz"),
        _golden("22b_crew_planning.jsonl.gz"),
        _golden("23_custom_events.jsonl.gz"),
        _golden("25_mcp_tool.jsonl.gz"),
        _golden("32_big_state.jsonl.gz"),
        *(_scripted("research", research(seed), asynchronous=seed == 2) for seed in range(4)),
        _scripted("research, tools retried", research(10, retries=2)),
        _scripted("research, retried once", research(11, retries=1), asynchronous=True),
        _scripted("research, closed", research(20)[:half], "cancelled"),
        _scripted("research, dropped", research(21)[:half], "forgotten"),
        _scripted("research, cut short", research(22)[: half + 3]),
        *(_scripted("turn", turn(seed, "conversation-a")) for seed in range(3)),
        *(_scripted("turn", turn(seed, "conversation-b"), asynchronous=True) for seed in range(3, 5)),
        *(_scripted("direct call", direct(30 + n, model)) for n, model in enumerate(MODELS)),
        *(_scripted("branches", branches(seed)) for seed in range(2)),
        _scripted("long answer", long_answer(1)),
        *(_scripted("heavy", heavy(seed)) for seed in range(2)),
        _scripted("stalled", stalled(1)),
        _scripted("rate limited", failing(40, RATE_LIMITED), "failed"),
        _scripted("refused", failing(41, "ConnectionError: refused"), "failed", asynchronous=True),
    ]


def _of_its_own(frames: Sequence[StreamFrame], number: int) -> tuple[StreamFrame, ...]:
    """Return the frames with ids that no other run has."""
    names: dict[str | None, str | None] = {None: None}

    def own(old: str | None) -> str | None:
        if old not in names:
            names[old] = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{number} {old}"))
        return names[old]

    def renamed(frame: StreamFrame) -> StreamFrame:
        ids = {key: own(getattr(frame, key)) for key in ("id", "parent_id", "previous_id")}
        ties = {key: own(frame.data[key]) for key in _TIES if key in frame.data}
        return frame.model_copy(update={**ids, "data": {**frame.data, **ties} if ties else frame.data})

    return tuple(renamed(frame) for frame in frames)


_TIES: Final = ("started_event_id", "triggered_by_event_id")


def of_now(frames: Sequence[StreamFrame]) -> list[StreamFrame]:
    """Return the frames with the last of them now: what ends a run early is dated by the clock."""
    shift = datetime.now(tz=timezone.utc) - frames[-1].timestamp
    return [frame.model_copy(update={"timestamp": frame.timestamp + shift}) for frame in frames]


def play(runs: Sequence[LoadRun], *, pausing: bool = False, **options: Any) -> None:  # noqa: ANN401  of `observe`
    """Run them one after the other, each observed and left as it says.

    Args:
        runs: The runs.
        pausing: Whether each stops in its middle until all that came so far is handled, as a slow one does.
        options: Arguments of `observe`.
    """
    for run in runs:
        if run.asynchronous:
            asyncio.run(_play_async(run, pausing, options))
        else:
            _play_sync(run, pausing, options)
    otelstream.flush(30)  # a session that was dropped ends now


def _play_sync(run: LoadRun, pausing: bool, options: Mapping[str, Any]) -> None:
    observed = otelstream.observe(session(of_now(run.frames), error=_error_of(run)), **options)
    frames = iter(observed)
    try:
        for number, _ in enumerate(islice(frames, _taken(run)), 1):
            if pausing and number == len(run.frames) // 2:
                otelstream.flush(30)
    except RuntimeError:
        assert run.end == "failed"
    if run.end == "cancelled":
        observed.close()


async def _play_async(run: LoadRun, pausing: bool, options: Mapping[str, Any]) -> None:
    observed = otelstream.observe(asession(of_now(run.frames), error=_error_of(run)), **options)
    seen = 0
    try:
        async for _ in observed:
            seen += 1
            if pausing and seen == len(run.frames) // 2:
                await asyncio.to_thread(otelstream.flush, 30)
            if seen == _taken(run):
                break
    except RuntimeError:
        assert run.end == "failed"
    if run.end == "cancelled":
        await observed.aclose()


def _taken(run: LoadRun) -> int | None:
    """Return how many frames the program takes before it leaves, None for all and the end."""
    return len(run.frames) if run.end in ("cancelled", "forgotten") else None


def _error_of(run: LoadRun) -> RuntimeError | None:
    return RuntimeError(f"{run.name} failed") if run.end == "failed" else None
