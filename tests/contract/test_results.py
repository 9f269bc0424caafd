"""What a run returned, from every kind of session."""

from __future__ import annotations

import asyncio
from datetime import date
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel

from tests.contract.conftest import Kind
from tests.contract.programs import Program, World, aconsume, consume


class Line(BaseModel):
    """A part of a result."""

    article: str
    count: int = 1


class Order(BaseModel):
    """A result as a model, with what JSON does not have."""

    lines: list[Line]
    due: date


RESULTS: dict[str, object] = {
    "str": "done",
    "empty-str": "",
    "none": None,
    "dict": {"a": [1, 2.5, None, True], "b": {"c": "ü"}},
    "list": [1, "two", {"three": 3}],
    "int": 42,
    "zero": 0,
    "false": False,
    "model": Order(lines=[Line(article="tea"), Line(article="cup", count=2)], due=date(2026, 11, 20)),
}

each_result = pytest.mark.parametrize("expected", RESULTS.values(), ids=RESULTS.keys())


@each_result
def test_the_result_is_what_the_run_returned(crewai_kind: Kind, expected: object) -> None:
    """Value and class of the result are the same."""
    session = crewai_kind.stream(crewai_kind.world.returning(expected))
    consume(session)

    assert (type(session.result), session.result) == (type(expected), expected)


def test_the_result_without_crewai_is_what_the_run_returned(plain_kind: Kind) -> None:
    """The same for our own session classes."""
    expected = dict(RESULTS)
    session = plain_kind.stream(plain_kind.world.returning(expected))
    consume(session)

    assert session.result == expected


def test_the_result_of_an_asynchronous_session_is_what_the_run_returned(kind: Kind) -> None:
    """Value and class of the result are the same."""
    expected = RESULTS["model"]

    async def result() -> object:
        session = kind.astream(kind.world.returning(expected))
        await aconsume(session)
        return session.result

    assert asyncio.run(result()) == expected


@cache  # so that it is run once
def crew_output() -> Any:  # noqa: ANN401  CrewAI's class, which this module must not import
    """What the demo's crew returns."""
    from otelstream.demo.flow import build_crew

    return build_crew().kickoff(inputs={"topic": "OpenTelemetry"})


@cache  # so that it is recorded once
def crew_program(world: World) -> Program:
    """A flow that returns the output of a crew."""
    return world.returning(crew_output())


def test_a_crew_output_comes_back_as_one(crewai_kind: Kind) -> None:
    """The output of a crew is the same object of CrewAI's class, tasks and token counts included."""
    session = crewai_kind.stream(crew_program(crewai_kind.world))
    consume(session)

    assert (type(session.result), session.result.model_dump()) == (
        type(crew_output()),
        crew_output().model_dump(),
    )


def test_a_crew_output_reads_as_its_text(crewai_kind: Kind) -> None:
    """The methods of CrewAI's class work on it."""
    session = crewai_kind.stream(crew_program(crewai_kind.world))
    consume(session)

    assert str(session.result) == str(crew_output())


@cache  # so that it is recorded once
def pending_program(world: World) -> Program:
    """A flow that waits for a person."""
    from crewai.flow.async_feedback import HumanFeedbackPending, PendingFeedbackContext

    def pending() -> HumanFeedbackPending:
        context = PendingFeedbackContext(
            flow_id="flow-1",
            flow_class="tests.ReviewFlow",
            method_name="run",
            method_output="draft",
            message="Please review",
        )
        return HumanFeedbackPending(context, callback_info={"ticket": 7})

    return world.raising(pending)


def test_pending_feedback_is_a_result(crewai_kind: Kind) -> None:
    """A flow that waits for a person does not fail: its result says what it waits for."""
    session = crewai_kind.stream(pending_program(crewai_kind.world))
    frames = consume(session)
    result = session.result

    assert (
        type(result).__name__,
        str(result),
        result.callback_info,
        result.context.to_dict()["message"],
        frames[-1].type,
    ) == (
        "HumanFeedbackPending",
        "Human feedback pending for flow 'flow-1' at method 'run'",
        {"ticket": 7},
        "Please review",
        "flow_paused",
    )
