"""Losses are counted by reason, and each cause is said once."""

from __future__ import annotations

import threading

import pytest

from otelstream.bridge.counters import Losses
from otelstream.errors import RecordingError


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """Return the log lines with their logger and level."""
    return [(record.name, record.levelname, record.getMessage()) for record in caplog.records]


def test_nothing_is_lost_at_first() -> None:
    """Without a loss there is no reason."""
    assert Losses().counts() == {}


def test_losses_add_up_by_reason() -> None:
    """Each reason has its own sum."""
    losses = Losses()
    losses.add("recording", 2)
    losses.add("spans", 1)
    losses.add("recording", 3)

    assert losses.counts() == {"recording": 5, "spans": 1}


def test_a_loss_of_nothing_is_no_reason() -> None:
    """A failure that cost no frame is not in the counts."""
    losses = Losses()
    losses.add("export", 0, "the exporter could not be made.")

    assert losses.counts() == {}


def test_counts_are_a_copy() -> None:
    """Whoever changes what they got changes nothing here."""
    losses = Losses()
    losses.add("spans", 1)
    losses.counts().clear()

    assert losses.counts() == {"spans": 1}


def test_no_count_is_lost_between_threads() -> None:
    """Threads may count at the same time."""
    losses = Losses()

    def count() -> None:
        for _ in range(1_000):
            losses.add("queue_full", 1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert losses.counts() == {"queue_full": 8_000}


def test_a_sentence_is_logged_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """The logger is `otelstream`."""
    Losses().add("spans", 1, "the spans are gone.")

    assert said(caplog) == [("otelstream", "WARNING", "the spans are gone.")]


def test_a_sentence_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand frames lost for one reason are one line."""
    losses = Losses()
    for _ in range(1_000):
        losses.add("spans", 1, "the spans are gone.")

    assert len(caplog.records) == 1


def test_another_sentence_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    """Each sentence has its one line."""
    losses = Losses()
    losses.say("the spans are gone.")
    losses.say("the recording is gone.")

    assert [line for _, _, line in said(caplog)] == ["the spans are gone.", "the recording is gone."]


def test_a_failure_of_a_kind_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Exceptions of one class whose texts differ are one cause."""
    losses = Losses()
    for number in range(100):
        losses.failed("spans", 1, KeyError(f"frame {number}"))

    assert (len(caplog.records), losses.counts()) == (1, {"spans": 100})


def test_failures_of_our_own_are_told_apart_by_their_text(caplog: pytest.LogCaptureFixture) -> None:
    """Two recordings that cannot be written are two lines, in the words of the error."""
    losses = Losses()
    for name in ("a", "b", "a"):
        losses.failed("recording", 1, RecordingError(f"{name}.duckdb is no recording."))

    assert [line for _, _, line in said(caplog)] == [
        "recording failed, the observed run goes on without it: a.duckdb is no recording.",
        "recording failed, the observed run goes on without it: b.duckdb is no recording.",
    ]


def test_a_secret_in_a_sentence_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    """The text of somebody else's exception may quote a secret."""
    Losses().failed("spans", 1, ValueError("refused with api_key='tea-4711-kettle'"))

    assert "tea-4711-kettle" not in caplog.text


def test_a_percent_sign_is_no_placeholder(caplog: pytest.LogCaptureFixture) -> None:
    """The sentence is logged as it is."""
    Losses().say("100 %s of the spans are gone.")

    assert said(caplog)[0][2] == "100 %s of the spans are gone."
