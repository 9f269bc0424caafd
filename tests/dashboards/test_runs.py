"""Which flows ran: a run is a session, and one that nobody saw ending is not timed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import otelstream
import recorder
from otelstream.testing import Script
from recorder.writer import Writer
from tests.dashboards.reports import Row, a_flow, call, ended, in_agent, record, rows_of
from tests.e2e.runs import session
from tests.recorder.recordings import start


def taking(ms: float) -> Script:
    """A flow that takes so many milliseconds from its first frame to its last."""
    script = a_flow()
    script.wait(ms - 3)
    return ended(script)


def report(path: Path) -> list[Row]:
    """What ran, without the moment of the last run, which is the recorder's."""
    return [row[:-1] for row in rows_of("runs", path)]


def test_runs_of_a_name_are_one_row(path: Path) -> None:
    """Durations are those that occurred, from the first frame to the last."""
    sessions = record(path, *(taking(ms) for ms in (30, 10, 20)))

    assert report(path) == [
        ("Tea", 3, 3, 0, 0, 0, 0, 0.0, 0, 0.02, 0.03, 0.03, sessions[0], 0, None, None),
    ]


def test_a_crew_inside_of_a_flow_is_no_run(path: Path) -> None:
    """One session is one run, whatever is in it; tokens are those of its call, not of its agent as well."""
    script = a_flow()
    script.start("crew_kickoff_started", crew_name="Kitchen")
    in_agent(script)
    call(script, usage={"prompt_tokens": 7, "completion_tokens": 2})
    script.end("agent_execution_completed", output="tea")
    script.end("task_completed", output={"raw": "tea"})
    script.end("crew_kickoff_completed", output="tea", total_tokens=9)
    (one,) = record(path, ended(script))

    assert report(path) == [
        ("Tea", 1, 1, 0, 0, 0, 0, 0.0, 0, 0.011, 0.011, 0.011, one, 1, 7, 2),
    ]


def test_failures_are_a_share_of_what_has_an_end(path: Path) -> None:
    """A run that its consumer closed is no failure, and is not timed."""
    record(path, taking(5))
    record(path, a_flow(), error=RuntimeError("no tea"))
    closed = otelstream.observe(session(a_flow().frames), record=path)
    list(itertools.islice(closed, 1))
    closed.close()

    assert [row[:11] for row in report(path)] == [("Tea", 3, 1, 1, 1, 0, 0, 0.333333, 2, 0.005, 0.005)]


def test_a_run_without_an_end_is_neither_finished_nor_failed(path: Path) -> None:
    """It has begun, and no number says more."""
    writer = Writer(path)
    writer.begin(replace(start(0), name="Tea"))
    writer.flush()
    writer.close()

    assert report(path) == [
        ("Tea", 1, 0, 0, 0, 0, 1, None, 1, None, None, None, None, None, None, None),
    ]


def test_runs_are_counted_in_the_hour_of_their_start(tmp_path: Path) -> None:
    """UTC, by name; an hour without runs has no row."""
    writer = Writer(tmp_path / "a.duckdb")
    for number, (hour, name) in enumerate(((9, "Tea"), (9, "Tea"), (9, "Cup"), (11, "Tea"))):
        began = datetime(2026, 11, 20, hour, 59, 59, 999_999)
        writer.begin(replace(start(number), name=name, started_at=began))
    writer.flush()
    writer.close()

    assert rows_of("runs_by_hour", tmp_path / "a.duckdb") == [
        (datetime(2026, 11, 20, 9), "Cup", 1, 0, 0, 1),
        (datetime(2026, 11, 20, 9), "Tea", 2, 0, 0, 2),
        (datetime(2026, 11, 20, 11), "Tea", 1, 0, 0, 1),
    ]


def test_a_failed_run_is_one_of_its_hour(path: Path) -> None:
    """Failed means that it raised."""
    record(path, taking(5), a_flow(), error=RuntimeError("no tea"))
    with recorder.open(path) as recording:
        (one, _) = recording.sessions()
    hour = one.start.started_at.replace(minute=0, second=0, microsecond=0)

    assert rows_of("runs_by_hour", path)[0] == (hour, "Tea", 2, 2, 0, 0)
