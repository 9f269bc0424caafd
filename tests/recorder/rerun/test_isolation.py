"""A re-execution concerns its own context alone: neither other threads nor other re-executions."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.demo.environment import quiet_environment
from recorder import RerunError

quiet_environment()

from crewai.flow.flow import start  # noqa: E402 (after the settings)
from crewai.llms.base_llm import BaseLLM  # noqa: E402 (after the settings)

from otelstream.demo.scripted_llm import Say, ScriptedLLM  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import QuietFlow, consume  # noqa: E402 (after the settings)

pytestmark = pytest.mark.crewai


class OrderFlow(QuietFlow):
    """Asks the same three times."""

    waits: Callable[[], object] = bool
    make: Callable[[], BaseLLM] = staticmethod(lambda: ScriptedLLM([Say("a script's answer")] * 3))

    @start()
    def order(self) -> str:
        """Ask, and wait for others in between."""
        model = self.make()
        said = []
        for _ in range(3):
            self.waits()
            said.append(str(model.call("What will it be?")))
        return ", ".join(said)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two recordings of the same flow with different answers."""
    folder = tmp_path_factory.mktemp("isolation")

    def record(word: str) -> Path:
        path = folder / f"{word}.duckdb"
        flow = OrderFlow()
        flow.make = lambda: ScriptedLLM([Say(f"{word} {number}") for number in (1, 2, 3)])
        consume(otelstream.observe(flow.stream_events(), record=path))
        return path

    return {word: record(word) for word in ("tea", "milk")}


def rerun(path: Path, waits: Callable[[], object] = bool) -> object:
    """The result of the flow on a recording."""
    flow = OrderFlow()
    flow.waits = waits
    with recorder.rerun(path):
        return consume(flow.stream_events()).result


def test_two_at_once_do_not_see_each_other(recordings: dict[str, Path]) -> None:
    """Two threads that call in turns are answered from their own recordings."""
    barrier = threading.Barrier(2, timeout=30)
    results: dict[str, object] = {}

    def run(word: str) -> None:
        results[word] = rerun(recordings[word], barrier.wait)

    threads = [threading.Thread(target=run, args=(word,)) for word in recordings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == {"tea": "tea 1, tea 2, tea 3", "milk": "milk 1, milk 2, milk 3"}


def test_others_are_not_served(recordings: dict[str, Path]) -> None:
    """A thread that did not come from the block asks its own model meanwhile."""
    entered, asked = threading.Event(), []

    def ask() -> None:
        entered.wait(timeout=30)
        asked.append(ScriptedLLM([Say("live")]).call("?"))

    thread = threading.Thread(target=ask)
    thread.start()
    with recorder.rerun(recordings["tea"]) as run:
        entered.set()
        thread.join()

    assert (asked, run.report.live, len(run.report.unused)) == (["live"], 0, 3)


def test_the_inner_block_serves(recordings: dict[str, Path]) -> None:
    """In a block within a block the inner recording answers, and the outer one again after it."""
    with recorder.rerun(recordings["tea"]) as outer:
        inner = rerun(recordings["milk"])
        assert outer.report.served == ()
        result = consume(OrderFlow().stream_events()).result

    assert (inner, result) == ("milk 1, milk 2, milk 3", "tea 1, tea 2, tea 3")


def test_after_the_block_models_answer_again(recordings: dict[str, Path]) -> None:
    """Nothing of it is left."""
    rerun(recordings["tea"])

    assert consume(OrderFlow().stream_events()).result == ", ".join(["a script's answer"] * 3)


def test_a_thread_that_outlives_its_block_is_not_served_by_another(recordings: dict[str, Path]) -> None:
    """What it asks for during another one is refused, as it has no part in that."""
    left, outcome = threading.Event(), []

    def ask() -> None:
        left.wait(timeout=30)
        try:
            outcome.append(ScriptedLLM([Say("live")]).call("What will it be?"))
        except BaseException as error:  # noqa: BLE001 (whatever it is)
            outcome.append(type(error).__name__)

    with recorder.rerun(recordings["tea"]):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(ask,))
        thread.start()
    with recorder.rerun(recordings["milk"]):
        left.set()
        thread.join()

    assert outcome == ["RunStopped"]


def test_classes_that_are_made_meanwhile_are_served(recordings: dict[str, Path]) -> None:
    """A provider that is imported inside of the block is served like any other."""
    with recorder.rerun(recordings["tea"]):

        class LateLLM(BaseLLM):
            def call(self, *_: object, **__: object) -> str:
                raise AssertionError("the model was asked")

        flow = OrderFlow()
        flow.make = lambda: LateLLM(model="scripted")
        result = consume(flow.stream_events()).result

    assert result == "tea 1, tea 2, tea 3"


class PoolFlow(QuietFlow):
    """Asks in threads of an executor, which hands no context on."""

    @start()
    def order(self) -> str:
        """Ask."""
        with ThreadPoolExecutor(1) as pool:
            return str(pool.submit(ScriptedLLM([Say("live")]).call, "What will it be?").result())


def test_threads_of_the_run_without_its_context_are_stopped(recordings: dict[str, Path]) -> None:
    """No recording has their calls, and no model is asked for real."""
    with (
        pytest.raises(RerunError, match="which does not carry the context of the run"),
        recorder.rerun(recordings["tea"]),
    ):
        consume(PoolFlow().stream_events())


def test_threads_without_a_context_are_counted_where_calls_are_made(recordings: dict[str, Path]) -> None:
    """As any other call that the recording does not hold."""
    with recorder.rerun(recordings["tea"], on_miss="live") as run:
        result = consume(PoolFlow().stream_events()).result

    assert (result, run.report.live) == ("live", 1)


def test_a_stream_that_is_left_asks_nobody(recordings: dict[str, Path]) -> None:
    """Its thread goes on after the block, as after an assertion that fails in the loop over its frames."""
    left, made = threading.Event(), [ScriptedLLM([Say("live")])]
    flow, outcome = OrderFlow(), []
    flow.make = lambda: made[0]

    def wait() -> None:
        left.wait(timeout=30)
        try:
            outcome.append(made[0].call("What will it be?"))
        except BaseException as error:
            outcome.append(type(error).__name__)
            raise

    flow.waits = wait
    with recorder.rerun(recordings["tea"]):
        session = flow.stream_events()
        next(iter(session))
    left.set()
    consume(session)

    assert outcome == ["RunStopped"]
