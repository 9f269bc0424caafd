"""How the calls of each model went."""

from __future__ import annotations

from pathlib import Path

from otelstream.testing import Script
from tests.dashboards.reports import Row, a_flow, call, ended, open_call, record, rows_of, token


def of(path: Path, script: Script) -> list[Row]:
    """What a flow's calls come to."""
    record(path, script)
    return rows_of("models", path)


def streamed(script: Script, first_ms: float, rest_ms: float, output: int | None) -> None:
    """Add a call with its first token after some time, that ends after some more."""
    opened = open_call(script)
    script.wait(first_ms - 1)
    token(script)
    script.wait(rest_ms - 1)
    usage = None if output is None else {"prompt_tokens": 10, "completion_tokens": output}
    known = {"call_id": opened.data["call_id"], "model": "gpt-4o-mini"}
    script.end("llm_call_completed", response="Yes.", usage=usage, **known)


def test_speed_is_that_of_the_tokens_after_the_first_wait(path: Path) -> None:
    """300 tokens in 2 s and 100 in 2 s; a call that reports none is left out of it, and counted."""
    script = a_flow()
    streamed(script, 500, 2_000, 300)
    streamed(script, 100, 2_000, 100)
    streamed(script, 900, 5_000, None)

    assert of(path, ended(script)) == [
        (
            *("gpt-4o-mini", "openai", 3, 0, 0.0, None, 0, 2.5, 5.9),
            *(0.5, 0.9, 3, 100.0, 1, 20, None, 400, None),
        )
    ]


def test_failures_are_told_by_their_type(path: Path) -> None:
    """A failure has no duration; a call that nobody saw ending is no failure, and in no share."""
    script = a_flow()
    call(script, error="Error code: 500 - no tea")
    call(script, error="busy")
    call(script, usage={"prompt_tokens": 1, "completion_tokens": 1})
    open_call(script.fork())
    script.wait(60_000)

    assert of(path, ended(script)) == [
        (
            *("gpt-4o-mini", "openai", 4, 2, 0.666667, "500, _OTHER", 1, 0.001, 0.001),
            *(None, None, 0, None, 3, 1, None, 1, None),
        )
    ]


def test_models_are_told_apart(path: Path) -> None:
    """The one that is called most comes first; cached and reasoning tokens are parts."""
    script = a_flow()
    call(script, "claude-sonnet-4")
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "cached_prompt_tokens": 5, "reasoning_tokens": 3}
    call(script, "o3", usage=usage)
    call(script, "o3", usage=usage)

    assert [(row[0], row[2], *row[13:]) for row in of(path, ended(script))] == [
        ("o3", 2, 0, 18, 10, 8, 6),
        ("claude-sonnet-4", 1, 1, None, None, None, None),
    ]
