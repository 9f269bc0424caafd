"""A redaction that fails keeps back what it could not mask, and says how much that was."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelstream
from otelstream.bridge import Redact
from tests.e2e.runs import RESULT, Ran, golden, recorded, run_sync

FIRST_TOKEN = "seven "
"""The text of one golden frame, and of no other."""


# An exception that ends our thread is a warning of pytest's; the tests below see what comes of it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def refuses_a_token(text: str) -> str:
    """Raise for one frame."""
    if text == FIRST_TOKEN:
        raise ValueError(f"no {text}")
    return text


def refuses_the_result(text: str) -> str:
    """Raise for the result of the run."""
    if text == RESULT:
        raise ValueError("no results")
    return text


class UnspeakableError(Exception):
    """An exception that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


def refuses_unspeakably(text: str) -> str:
    """Raise what nobody can show."""
    raise UnspeakableError


def leaves(text: str) -> str:
    """Try to end the program."""
    raise SystemExit(3)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Where spans end up."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    """A provider of the program's own."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def test_a_frame_that_cannot_be_masked_is_counted(tmp_path: Path) -> None:
    """The loss is one frame, for the reason of redaction."""
    run_sync({"record": tmp_path / "x.duckdb", "redact": refuses_a_token})

    assert otelstream.losses() == {"redaction": 1}


def test_all_other_frames_are_recorded(tmp_path: Path) -> None:
    """The recording holds every frame that could be masked."""
    run_sync({"record": tmp_path / "x.duckdb", "redact": refuses_a_token})

    assert recorded(tmp_path / "x.duckdb").frame_count == len(golden()) - 1


def test_the_recording_says_how_many_frames_it_lacks(tmp_path: Path) -> None:
    """A frame that could not be masked is among the dropped frames of its session."""
    run_sync({"record": tmp_path / "x.duckdb", "redact": refuses_a_token})
    end = recorded(tmp_path / "x.duckdb").end

    assert end is not None
    assert end.frames_dropped == 1


def test_the_root_span_says_how_many_frames_it_lacks(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    """A frame that could not be masked is counted on the root span."""
    run_sync({"tracer_provider": provider, "redact": refuses_a_token})
    attributes = exporter.get_finished_spans()[-1].attributes

    assert attributes is not None
    assert attributes["otelstream.frames_dropped"] == 1


def test_what_could_not_be_masked_is_not_logged(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """The text of the function's exception stays out of the log: it may quote the secret."""
    run_sync({"record": tmp_path / "x.duckdb", "redact": refuses_a_token})

    assert FIRST_TOKEN not in caplog.text


def test_a_result_that_cannot_be_masked_still_ends_its_session(tmp_path: Path) -> None:
    """The session is completed, without the result."""
    run_sync({"record": tmp_path / "x.duckdb", "redact": refuses_the_result})

    assert recorded(tmp_path / "x.duckdb").state == "completed"


def test_a_result_that_cannot_be_masked_still_ends_its_spans(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    """No span stays open."""
    run_sync({"tracer_provider": provider, "redact": refuses_the_result})

    assert len(exporter.get_finished_spans()) == 6


def test_a_result_that_cannot_be_masked_is_counted(tmp_path: Path) -> None:
    """`losses()` names the redaction."""
    run_sync({"record": tmp_path / "x.duckdb", "redact": refuses_the_result})

    assert list(otelstream.losses()) == ["redaction"]


def test_an_exception_that_cannot_be_shown_is_counted(tmp_path: Path) -> None:
    """Every frame and the result count as lost where the redaction raises something without a text."""
    run_sync({"record": tmp_path / "x.duckdb", "redact": refuses_unspeakably})

    assert otelstream.losses() == {"redaction": len(golden()) + 1}


def test_a_redaction_that_leaves_the_program_is_counted(tmp_path: Path) -> None:
    """`sys.exit` in a redaction is a failure like any other, and does not end our thread."""
    run_sync({"record": tmp_path / "x.duckdb", "redact": leaves})

    assert otelstream.losses() == {"redaction": len(golden()) + 1}


@pytest.mark.parametrize("redact", [refuses_a_token, refuses_the_result, refuses_unspeakably, leaves])
def test_the_run_stays_as_it_is(redact: Redact, tmp_path: Path) -> None:
    """However a redaction fails, the program gets its frames and its result."""
    assert run_sync({"record": tmp_path / "x.duckdb", "redact": redact}) == Ran(golden(), RESULT)
