"""What is open is counted on and off, in bounded memory."""

from __future__ import annotations

import threading

import pytest

from otelstream.export import standing
from otelstream.export.standing import Standing

A, B, C = ((("name", letter),) for letter in "abc")


def test_runs_are_counted_by_their_attributes() -> None:
    """One that has ended stays as none, so that whoever asks again sees that it is over."""
    made = Standing()
    for about in (A, A, B):
        made.begin_run(about)
    made.end_run(A)
    made.end_run(B)

    assert made.runs == {A: 1, B: 0}


def test_runs_that_are_over_are_forgotten_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that go on are kept."""
    monkeypatch.setattr(standing, "REMEMBERED_RUNS", 2)
    made = Standing()
    for about in (A, B, C):
        made.begin_run(about)
    made.end_run(A)

    assert made.runs == {B: 1, C: 1}


def test_a_fork_starts_afresh_although_its_parent_held_the_lock() -> None:
    """Nobody would ever give it back."""
    made = Standing()
    made.begin_run(A)
    made.add_spans(3)
    made._lock.acquire()
    made.reset()
    made.add_spans(1)

    assert (made.spans, made.runs) == (1, {})


def test_threads_do_not_get_in_each_others_way() -> None:
    """An old pipeline may go on beside a new one: what both count on and off is none in the end."""
    made = Standing()

    def count() -> None:
        for _ in range(2_000):
            made.begin_run(A)
            made.add_spans(1)
            made.add_spans(-1)
            made.end_run(A)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (made.spans, made.runs) == (0, {A: 0})
