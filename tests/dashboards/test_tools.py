"""How long tools take: durations that occurred, of the calls that ended."""

from __future__ import annotations

from pathlib import Path

from tests.dashboards.reports import a_flow, ended, record, rows_of, span_of, use


def test_p95_is_a_duration_that_occurred(tmp_path: Path) -> None:
    """Of twenty calls of 1 to 20 ms it is the nineteenth, whatever their order."""
    script = a_flow()
    calls = {ms: use(script, ms=ms) for ms in (*range(20, 10, -1), *range(1, 11))}
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("slowest_tools", tmp_path / "a.duckdb") == [
        ("kettle", 20, 0, 0, 0, 0.01, 0.019, 0.21, 0.02, session, span_of(calls[20]))
    ]


def test_the_slowest_tool_comes_first(tmp_path: Path) -> None:
    """By p95, whichever was called more often; a failure takes its time like anything else."""
    script = a_flow()
    teapot = use(script, "teapot", ms=5)
    kettle = use(script, "kettle", ms=7, error="no water")
    use(script, "teapot", ms=2)
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("slowest_tools", tmp_path / "a.duckdb") == [
        ("kettle", 1, 1, 0, 0, 0.007, 0.007, 0.007, 0.007, session, span_of(kettle)),
        ("teapot", 2, 0, 0, 0, 0.002, 0.005, 0.007, 0.005, session, span_of(teapot)),
    ]


def test_a_call_that_never_ended_is_not_timed(tmp_path: Path) -> None:
    """It is counted, also where it is the only one of its tool."""
    script = a_flow()
    kettle = use(script, ms=3)
    script.fork().start("tool_usage_started", tool_name="kettle", tool_args={}, agent_role="Host")
    script.fork().start("tool_usage_started", tool_name="oven", tool_args={}, agent_role="Host")
    script.wait(60_000)
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("slowest_tools", tmp_path / "a.duckdb") == [
        ("kettle", 2, 0, 0, 1, 0.003, 0.003, 0.003, 0.003, session, span_of(kettle)),
        ("oven", 1, 0, 0, 1, None, None, None, None, None, None),
    ]


def test_a_call_that_failed_with_its_run_did_not_fail_itself(tmp_path: Path) -> None:
    """The run raised while it was open: it is left open and nothing else."""
    script = a_flow()
    script.start("tool_usage_started", tool_name="kettle", tool_args={}, agent_role="Host")
    record(tmp_path / "a.duckdb", script, error=RuntimeError("the roof"))

    assert rows_of("slowest_tools", tmp_path / "a.duckdb") == [
        ("kettle", 1, 0, 0, 1, None, None, None, None, None, None)
    ]


def test_answers_from_the_cache_are_counted(tmp_path: Path) -> None:
    """They are timed like others, and the column says why half of the calls were quick."""
    script = a_flow()
    kettle = use(script, ms=9)
    use(script, ms=1, from_cache=True)
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("slowest_tools", tmp_path / "a.duckdb") == [
        ("kettle", 2, 0, 1, 0, 0.001, 0.009, 0.01, 0.009, session, span_of(kettle))
    ]
