"""Runs as they are told while they go on and when they have ended, whatever becomes of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import otelstream
from otelstream.frame import StreamFrame
from otelstream.span.assembler import SpanAssembler
from otelstream.span.options import SpanOptions
from tests.e2e.meters import Meters, Points
from tests.e2e.runs import RESULT, Ran, golden, run_async, run_sync, session

RUN: dict[str, object] = {"otelstream.run.name": "invoke_workflow F", "gen_ai.workflow.name": "F"}
NOTHING_OPEN: Points = {"otelstream.runs.active": [(RUN, 0)], "otelstream.spans.open": [({}, 0)]}


def ended(end: str, count: int = 1, **error: object) -> Points:
    """Return what is told of so many runs that ended like that, and of no other."""
    failure = {"error.type": error["error"]} if error else {}
    return {"otelstream.run.duration": [({**RUN, "otelstream.end": end, **failure}, count)], **NOTHING_OPEN}


def runs(meters: Meters) -> Points:
    """Return what is told of runs, and how many spans are open."""
    found = meters.points()
    return {name: found[name] for name in (*NOTHING_OPEN, "otelstream.run.duration") if name in found}


def begun(meters: Meters, **options: Any) -> Iterator[StreamFrame]:  # noqa: ANN401  arguments of `observe`
    """Return a session of which five frames have been taken and handled."""
    frames = iter(otelstream.observe(session(), meter_provider=meters.provider, **options))
    for _ in range(5):
        next(frames)
    otelstream.flush(10)
    return frames


def test_a_run_is_active_while_it_goes_on(meters: Meters) -> None:
    """It is told from its first span on, and not measured before its end."""
    frames = begun(meters)
    within = runs(meters)
    list(frames)

    assert (within, runs(meters)) == (
        {"otelstream.runs.active": [(RUN, 1)], "otelstream.spans.open": [({}, 4)]},
        ended("completed"),
    )


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_a_run_that_raised_has_failed(run: Callable[..., Ran], meters: Meters) -> None:
    """With the class of what it raised."""
    run({"meter_provider": meters.provider}, LookupError("no"))

    assert runs(meters) == ended("failed", error="LookupError")


def forgets(frames: Iterator[StreamFrame]) -> None:
    """Do nothing: nobody else holds the session."""


def shuts_down(_: Iterator[StreamFrame]) -> None:
    """Stop observing, with the session in the middle."""
    otelstream.shutdown(10)


@pytest.mark.parametrize("leave", [forgets, shuts_down])
def test_a_run_that_was_left_was_cancelled(leave: Callable[..., None], meters: Meters) -> None:
    """Whether the program forgot it or stopped observing: it is active no more."""
    frames = begun(meters)
    leave(frames)
    del frames
    gc.collect()
    otelstream.flush(10)

    assert runs(meters) == ended("cancelled")


def test_a_run_that_was_closed_was_cancelled(meters: Meters) -> None:
    """`close()` in the middle is no failure."""
    observed = otelstream.observe(session(), meter_provider=meters.provider)
    next(iter(observed))
    observed.close()

    assert runs(meters) == ended("cancelled")


def test_runs_at_once_are_counted_together(meters: Meters) -> None:
    """Two of a flow are two, of one convention or of both."""
    first = begun(meters)
    second = begun(meters, spans=SpanOptions(semconv="main"))
    within = runs(meters)["otelstream.runs.active"]
    list(first)
    list(second)

    assert (within, runs(meters)) == ([(RUN, 2)], ended("completed", 2))


def test_each_provider_is_told_of_its_own_runs(meters: Meters) -> None:
    """What goes to another meter provider is not among them."""
    other = Meters()
    frames = begun(other)
    run_sync({"meter_provider": meters.provider})
    told = runs(meters), runs(other)["otelstream.runs.active"]
    list(frames)

    assert told == (ended("completed"), [(RUN, 1)])


@pytest.mark.parametrize("method", ["close", "feed"])
def test_a_broken_mapping_leaves_no_run_open(
    method: str, meters: Meters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If frames or the end of a session cannot be mapped, what had begun is counted off with the session."""

    def broken(*_: object) -> None:
        raise ArithmeticError("the mapping is broken")

    frames = begun(meters)
    monkeypatch.setattr(SpanAssembler, method, broken)
    list(frames)
    told = runs(meters)

    assert {name: told[name] for name in NOTHING_OPEN} == NOTHING_OPEN


class RaisingHistogram(Histogram):
    """An instrument that cannot measure."""

    def __init__(self) -> None:
        """Need no name."""

    def record(self, *_: object, **__: object) -> None:
        """Raise."""
        raise ValueError("nothing can be measured")


class RaisingMeters(MeterProvider):
    """A provider whose histograms raise."""

    def get_meter(self, *arguments: Any, **more: Any) -> Meter:  # noqa: ANN401  the SDK's signature
        meter = super().get_meter(*arguments, **more)
        meter.create_histogram = lambda *_, **__: RaisingHistogram()  # type: ignore[method-assign]
        return meter


def test_instruments_that_fail_leave_no_run_open() -> None:
    """A run that cannot be measured is active no more when it has ended."""
    meters = Meters(RaisingMeters)
    ran = run_sync({"meter_provider": meters.provider})

    assert (ran, runs(meters)) == (Ran(golden(), RESULT), NOTHING_OPEN)


def test_a_provider_that_was_shut_down_costs_nothing(meters: Meters) -> None:
    """The program gets its frames and its result, and nothing is lost."""
    frames = begun(meters)
    meters.provider.shutdown()
    list(frames)

    assert (len(list(begun(Meters()))), otelstream.losses()) == (len(golden()) - 5, {})


@pytest.mark.parametrize("name", ["run.duckdb", "run.jsonl", "runs/"])
def test_commits_of_a_recording_are_timed(name: str, meters: Meters, tmp_path: Path) -> None:
    """A database, a text and a directory's file: each commit that stored something is one."""
    run_sync({"meter_provider": meters.provider, "record": f"{tmp_path}/{name}"})
    ((attributes, count),) = meters.points()["otelstream.commit.duration"]

    assert (attributes, count >= 1) == ({}, True)


def test_every_provider_is_told_of_the_processs_commits(meters: Meters, tmp_path: Path) -> None:
    """They are of the process, as the frames are: also those of sessions that are measured elsewhere."""
    other = Meters()
    run_sync({"meter_provider": other.provider})
    run_sync({"meter_provider": meters.provider, "record": tmp_path / "run.duckdb"})

    assert meters.points("otelstream.commit") == other.points("otelstream.commit") != {}


def test_without_a_recording_there_are_no_commits(meters: Meters) -> None:
    """Nothing is told of what does not happen."""
    run_sync({"meter_provider": meters.provider})

    assert meters.points("otelstream.commit") == {}


def test_a_commit_that_cannot_be_measured_is_kept(tmp_path: Path) -> None:
    """A meter that fails costs the recording nothing."""
    path = tmp_path / "run.jsonl"
    run_sync({"meter_provider": RaisingMeters([InMemoryMetricReader()]), "record": path})

    assert len(path.read_text().splitlines()) == len(golden()) + 2
