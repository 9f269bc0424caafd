"""The bridge's own metrics, and which meter provider they and all others go to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import otelstream
from otelstream.bridge.spans import SpanStage
from otelstream.span.options import SpanOptions
from tests.e2e.meters import Meters
from tests.e2e.received import metric_exports_of, metrics_of
from tests.e2e.receiver import HttpReceiver, variables
from tests.e2e.runs import RESULT, Ran, golden, run_python, run_sync, session


def test_frames_are_counted_and_nothing_is_left_open(meters: Meters) -> None:
    """After a session all its frames are counted, none waits, and neither span nor run is open."""
    run_sync({"meter_provider": meters.provider})
    run = {"otelstream.run.name": "invoke_workflow F", "gen_ai.workflow.name": "F"}
    call = dict(meters.points("gen_ai.client.operation.duration")["gen_ai.client.operation.duration"][0][0])

    assert meters.points() == {
        "otelstream.frames": [({}, len(golden()))],
        "otelstream.queue.depth": [({}, 0)],
        "otelstream.run.duration": [({**run, "otelstream.end": "completed"}, 1)],
        "otelstream.runs.active": [(run, 0)],
        "otelstream.spans.open": [({}, 0)],
        "otelstream.stalls": [(call, 0)],
    }


def test_open_spans_are_counted_while_they_are_open(meters: Meters) -> None:
    """In the middle of a run it is the number of spans that have begun and not ended."""
    observed = otelstream.observe(session(), meter_provider=meters.provider)
    frames = iter(observed)
    while next(frames).type != "llm_call_started":
        pass
    otelstream.flush(10)
    within = meters.points()["otelstream.spans.open"]
    list(frames)

    assert (within, meters.points()["otelstream.spans.open"]) == ([({}, 6)], [({}, 0)])


def test_spans_of_a_closed_session_do_not_stay_open(meters: Meters) -> None:
    """A session that is left early ends its spans, and they are counted off."""
    observed = otelstream.observe(session(), meter_provider=meters.provider)
    next(iter(observed))
    observed.close()

    assert meters.points()["otelstream.spans.open"] == [({}, 0)]


def test_dropped_frames_are_counted_by_reason(meters: Meters) -> None:
    """What `losses()` says is a metric too, with the reason as its attribute."""

    def broken(text: str) -> str:
        raise ValueError(text)

    run_sync({"meter_provider": meters.provider, "redact": broken})

    assert meters.points()["otelstream.dropped"] == [
        ({"reason": reason}, count) for reason, count in otelstream.losses().items()
    ]


def test_frames_that_wait_are_the_depth_of_the_queue(meters: Meters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that arrived and were not handled yet are counted, whichever session they are of."""
    monkeypatch.setenv("OTELSTREAM_BATCH_MS", "10000")
    frames = iter(otelstream.observe(session(), meter_provider=meters.provider))
    for _ in range(7):
        next(frames)
    waiting = meters.points()["otelstream.queue.depth"]
    otelstream.flush(10)

    assert (waiting, meters.points()["otelstream.queue.depth"]) == ([({}, 7)], [({}, 0)])


def test_sessions_share_their_instruments(meters: Meters, caplog: pytest.LogCaptureFixture) -> None:
    """A second session adds to the first one's numbers, and the SDK has nothing to warn of."""
    run_sync({"meter_provider": meters.provider})
    run_sync({"meter_provider": meters.provider})
    found = meters.points("gen_ai.invoke_agent.duration")["gen_ai.invoke_agent.duration"]

    assert (found, caplog.messages) == (
        [({"gen_ai.agent.name": "Writer", "gen_ai.request.model": "gpt-4o-mini"}, 2)],
        [],
    )


def test_both_conventions_can_be_told_at_once(meters: Meters, caplog: pytest.LogCaptureFixture) -> None:
    """Sessions with different versions share the provider, without a conflict of their instruments."""
    run_sync({"meter_provider": meters.provider})
    run_sync({"meter_provider": meters.provider, "spans": SpanOptions(semconv="main")})
    found = meters.points()["otelstream.frames"]

    assert (found, caplog.messages) == ([({}, 2 * len(golden()))], [])


def test_after_a_shutdown_the_count_goes_on(meters: Meters) -> None:
    """`otelstream.frames` is of the process: what comes after a `shutdown` adds to it."""
    run_sync({"meter_provider": meters.provider})
    otelstream.shutdown()
    run_sync({"meter_provider": meters.provider})

    assert meters.points()["otelstream.frames"] == [({}, 2 * len(golden()))]


def test_the_programs_meter_provider_is_used(meters: Meters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the program has set a global provider, no variable is needed."""
    monkeypatch.setattr("otelstream.bridge.providers.get_meter_provider", lambda: meters.provider)
    run_sync({})

    assert meters.points()["otelstream.frames"] == [({}, len(golden()))]


def test_the_given_meter_provider_beats_the_programs(meters: Meters, monkeypatch: pytest.MonkeyPatch) -> None:
    """`observe(meter_provider=…)` is the nearest."""
    programs = Meters()
    monkeypatch.setattr("otelstream.bridge.providers.get_meter_provider", lambda: programs.provider)
    run_sync({"meter_provider": meters.provider})

    assert (programs.points(""), list(meters.points("otelstream.frames"))) == ({}, ["otelstream.frames"])


def test_an_endpoint_for_all_signals_asks_for_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jaeger and Tempo take traces only: metrics must be asked for by name."""
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        run_sync({})
        otelstream.shutdown(10)

    assert receiver.paths == ["/v1/traces"]


def test_where_nothing_is_asked_for_nothing_is_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without providers and variables a session costs no mapping: no frame reaches the assembler."""

    def must_not(*arguments: object) -> None:
        raise AssertionError("a frame was mapped")

    monkeypatch.setattr(SpanStage, "__init__", must_not)
    ran = run_sync({})

    assert (ran, otelstream.losses()) == (Ran(golden(), RESULT), {})


def test_metrics_of_a_run_are_sent_at_its_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ends before the first minute is over sends its numbers all the same."""
    with HttpReceiver() as receiver:
        for name, value in variables(receiver, metrics=True).items():
            monkeypatch.setenv(name, value)
        run_sync({})
        otelstream.shutdown(10)
        frames = metrics_of(receiver)["otelstream.frames"].only.value

    assert frames == len(golden())


FORKS = """
import os
import otelstream
from tests.e2e.runs import golden, session

list(otelstream.observe(session()))
child = os.fork()
if child == 0:
    list(otelstream.observe(session(golden()[:1])))
    otelstream.shutdown(10)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
otelstream.shutdown(10)
"""


def test_a_forked_child_tells_only_of_itself(tmp_path: Path) -> None:
    """Each process sends its own numbers: the parent's are not sent once more by its child."""
    with HttpReceiver() as receiver:
        ran = run_python(["-W", "ignore", "-c", FORKS], tmp_path, variables(receiver, metrics=True))
        frames = [metrics["otelstream.frames"].only.value for metrics in metric_exports_of(receiver)]

    assert (ran.returncode, frames) == (0, [1, len(golden())])


INHERITS = """
import json, os
import otelstream
from tests.e2e.meters import Meters
from tests.e2e.runs import session

NAMES = ("otelstream.frames", "otelstream.runs.active", "otelstream.spans.open")
meters = Meters()

def told():
    points = meters.points()
    return {name: [number for _, number in points.get(name, [])] for name in NAMES}

frames = iter(otelstream.observe(session(), meter_provider=meters.provider))
for _ in range(5):
    next(frames)
otelstream.flush(10)
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    found = [told()]
    list(otelstream.observe(session(), meter_provider=meters.provider))
    os.write(writing, json.dumps([*found, told()]).encode())
    os._exit(0)
os.waitpid(child, 0)
found = [told()]
list(frames)
print(json.dumps([json.loads(os.read(reading, 1000)), [*found, told()]]))
"""


@pytest.fixture(scope="module")
def inherited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, list[int]]]]:
    """What a provider says in a child that inherits it and in its parent: after the fork, and at the end."""
    ran = run_python(["-W", "ignore", "-c", INHERITS], tmp_path_factory.mktemp("inherited"))
    child, parent = json.loads(ran.stdout)
    return {"child": child, "parent": parent}


def test_a_forked_child_counts_its_own_frames(inherited: dict[str, list[dict[str, list[int]]]]) -> None:
    """On a meter provider that the child inherits, the bridge's numbers are those of the child."""
    found = {process: [told["otelstream.frames"] for told in inherited[process]] for process in inherited}

    assert found == {"child": [[0], [len(golden())]], "parent": [[5], [len(golden())]]}


def test_a_forked_child_has_none_of_its_parents_runs(
    inherited: dict[str, list[dict[str, list[int]]]],
) -> None:
    """What is open in the parent is open there alone, and until it ends."""
    found = {
        process: [
            (told["otelstream.runs.active"], told["otelstream.spans.open"]) for told in inherited[process]
        ]
        for process in inherited
    }

    assert found == {"child": [([], [0]), ([0], [0])], "parent": [([1], [4]), ([0], [0])]}
