"""A fork waits until nothing is being measured."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from otelstream.export import forks
from otelstream.export.forks import Measuring
from otelstream.testing import Script, assembled
from tests.e2e.runs import run_python
from tests.otelstream.export.measuring import Measured


def measure(measuring: Measuring, begun: threading.Event, done: list[str]) -> None:
    """Measure for a while."""
    with measuring:
        begun.set()
        time.sleep(0.1)
        done.append("measured")


def measures(measuring: Measuring, done: list[str]) -> threading.Thread:
    """Return a thread that is in the middle of a measurement."""
    begun = threading.Event()
    thread = threading.Thread(target=measure, args=(measuring, begun, done))
    thread.start()
    begun.wait()
    return thread


def test_a_fork_waits_for_a_measurement() -> None:
    """What is being measured is measured first, and what follows can be."""
    measuring, done = Measuring(), list[str]()
    thread = measures(measuring, done)
    measuring.before_fork()
    before = list(done)
    measuring.after_fork()
    thread.join()
    with measuring:
        assert before == ["measured"]


def test_a_fork_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement that hangs holds up nobody, and a fork that did not wait for it releases nothing."""
    monkeypatch.setattr(forks, "WAIT_S", 0.01)
    measuring, done = Measuring(), list[str]()
    thread = measures(measuring, done)
    measuring.before_fork()
    measuring.after_fork()
    assert done == []
    thread.join()


def test_a_child_can_measure() -> None:
    """Whatever its parent did at that moment."""
    measuring = Measuring()
    measuring.before_fork()
    measuring.in_child()
    with measuring:
        measuring.after_fork()


def test_ends_of_spans_are_measured_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for a fork."""
    entered: list[bool] = []
    monkeypatch.setattr(Measuring, "__enter__", lambda _: entered.append(True))
    monkeypatch.setattr(Measuring, "__exit__", lambda *_: None)
    script = Script()
    script.start("flow_started", flow_name="F")
    Measured().sink().apply(assembled(script.frames))
    assert entered == [True]


FORKS = """
import os
from otelstream.export.forks import MEASURING
from tests.otelstream.export.test_forks import measures

done = []
thread = measures(MEASURING, done)
child = os.fork()
if child == 0:
    with MEASURING:
        os._exit(len(done))
with MEASURING:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
"""


def test_processes_fork_so(tmp_path: Path) -> None:
    """A real fork waits, and both processes can measure then."""
    ran = run_python(["-W", "ignore", "-c", FORKS], tmp_path)
    assert (ran.returncode, ran.stderr) == (0, b"")
