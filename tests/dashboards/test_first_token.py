"""How long models take to their first token."""

from __future__ import annotations

from pathlib import Path

from otelstream.frame import StreamFrame
from otelstream.testing import Script
from tests.dashboards.reports import a_flow, call, ended, open_call, record, rows_of, span_of, token


def streamed(script: Script, model: str, wait_ms: float) -> StreamFrame:
    """Add a call whose first token takes so long, and its second ten seconds more."""
    opened = open_call(script, model)
    script.wait(wait_ms - 1)
    token(script)
    script.wait(10_000)
    token(script)
    script.end("llm_call_completed", call_id=opened.data["call_id"], model=model, response="Yes.")
    return opened


def test_models_are_told_apart(tmp_path: Path) -> None:
    """The slowest one first; only the first token of a call counts."""
    script = a_flow()
    calls = [
        streamed(script, model, ms) for model, ms in (("gpt-4o", 5), ("claude-sonnet-4", 8), ("gpt-4o", 3))
    ]
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("time_to_first_token", tmp_path / "a.duckdb") == [
        ("claude-sonnet-4", "anthropic", 1, 0, 0, 0.008, 0.008, 0.008, session, span_of(calls[1])),
        ("gpt-4o", "openai", 2, 0, 0, 0.003, 0.005, 0.005, session, span_of(calls[0])),
    ]


def test_calls_without_a_token_are_counted(tmp_path: Path) -> None:
    """Calls that did not stream, and those that failed before, are no calls of 0 seconds."""
    script = a_flow()
    call(script, "gpt-4o")
    call(script, "gpt-4o", error="no tea")
    timed = streamed(script, "gpt-4o", 4)
    call(script, "house-model")
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("time_to_first_token", tmp_path / "a.duckdb") == [
        ("gpt-4o", "openai", 3, 2, 0, 0.004, 0.004, 0.004, session, span_of(timed)),
        ("house-model", None, 1, 1, 0, None, None, None, None, None),
    ]


def test_the_first_token_of_a_call_that_never_ended_was_seen(tmp_path: Path) -> None:
    """One is timed by its token, the other has none; both are counted as left open."""
    script = a_flow()
    branch, other = script.fork(), script.fork()
    opened = open_call(branch, "gpt-4o")
    token(branch)
    open_call(other, "gpt-4o")
    script.wait(60_000)
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("time_to_first_token", tmp_path / "a.duckdb") == [
        ("gpt-4o", "openai", 2, 1, 2, 0.001, 0.001, 0.001, session, span_of(opened))
    ]
