"""A run that leaves by a SystemExit: CrewAI ends its stream without an error and without a result."""

from __future__ import annotations

from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.demo.environment import quiet_environment

pytestmark = [
    pytest.mark.crewai,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


def leave(path: Path) -> recorder.RecordedSession:
    """Observe a flow whose method calls `sys.exit`; return what was recorded of it."""
    quiet_environment()
    from crewai.flow.flow import Flow, start

    class Leaves(Flow):  # type: ignore[type-arg]  # its state does not matter
        @start()
        def leave(self) -> None:
            raise SystemExit(3)

    session = otelstream.observe(Leaves().stream_events(), record=path)
    list(session)
    with pytest.raises(RuntimeError, match="No result available"):
        _ = session.result
    with recorder.open(path) as recording:
        return recording.session()


def test_a_run_that_left_has_failed(tmp_path: Path) -> None:
    """The recording does not call it completed."""
    recorded = leave(tmp_path / "x.duckdb")

    assert (recorded.state, recorded.outcome.error_message) == ("failed", "the run ended without a result")


def test_a_run_that_left_replays_without_a_result(tmp_path: Path) -> None:
    """The replay ends as the live stream did: no exception, no result."""
    leave(tmp_path / "x.duckdb")
    replayed = recorder.replay(tmp_path / "x.duckdb")
    list(replayed)

    with pytest.raises(RuntimeError, match="No result available"):
        _ = replayed.result
