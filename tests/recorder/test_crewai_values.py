"""What real runs of CrewAI return and raise, through JSON text and back."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel, Field

from otelstream.demo.environment import quiet_environment
from recorder.values import encode_value
from tests.recorder.test_exceptions import facts
from tests.recorder.test_instances import through_json
from tests.recorder.test_values import Report

quiet_environment()

pytestmark = pytest.mark.crewai


class Order(BaseModel):
    """What a task answers with."""

    article: str = Field(alias="item")
    due: date


ANSWER = '{"item": "tea", "due": "2026-11-20"}'


def agent(*answers: str, **fields: Any) -> Any:  # noqa: ANN401  an agent, whose class this module must not import
    """An agent whose model knows these answers."""
    from crewai import Agent

    from otelstream.demo.scripted_llm import Say, ScriptedLLM

    model = ScriptedLLM([Say(answer) for answer in answers])
    return Agent(role="Clerk", goal="Take orders", backstory="Behind the counter.", llm=model, **fields)


@cache  # so that it is run once
def crew_output() -> Any:  # noqa: ANN401  CrewAI's class
    """The output of a crew whose tasks answer with a model, with a dict and with text."""
    from crewai import Crew, Task

    clerk = agent(ANSWER, ANSWER, "Done.")
    said = {"description": "Take the order.", "expected_output": "An order.", "agent": clerk}
    tasks = [Task(**said), Task(**said, output_json=Order), Task(**said, output_pydantic=Order)]
    clerk.llm = agent("Done.", ANSWER, ANSWER).llm
    return Crew(tasks=tasks, agents=[clerk]).kickoff()


def kinds(output: Any) -> list[object]:  # noqa: ANN401  a CrewOutput
    """What a program reads of a crew's output, with classes."""
    parts = [output.pydantic, output.json_dict, output.raw, str(output), output.token_usage]
    tasks = [(type(task), task.pydantic, task.json_dict, task.raw, str(task)) for task in output.tasks_output]
    return [type(output), type(output.pydantic), *parts, *tasks]


def test_the_output_of_a_crew_comes_back() -> None:
    """Its model, the dict and the text of its tasks, and what they cost."""
    assert kinds(through_json(crew_output())) == kinds(crew_output())


def test_the_output_of_a_crew_is_used_as_before() -> None:
    """The methods of CrewAI's class work on it."""
    restored = through_json(crew_output())

    assert (restored.to_dict(), restored["article"], restored.model_dump()) == (
        crew_output().to_dict(),
        "tea",
        crew_output().model_dump(),
    )


def test_the_output_of_an_agent_comes_back() -> None:
    """What an agent that runs alone returns comes back equal, with the model that was asked for."""
    output = agent(ANSWER).kickoff("Take the order.", response_format=Order)
    restored = through_json(output)

    assert (restored, type(restored.pydantic), str(restored)) == (output, Order, str(output))


def test_an_agent_itself_comes_back_without_its_key() -> None:
    """A result that holds a whole agent is readable, and its key is where it can be masked by name."""
    encoded: Any = encode_value(agent("Done."))

    assert (encoded["class"], "api_key" in encoded["fields"]["llm"]["fields"]) == (
        "crewai.agent.core:Agent",
        True,
    )


@pytest.mark.crewai
def test_pending_feedback_comes_back_as_a_value() -> None:
    """HumanFeedbackPending, an exception that runs return, comes back with its context."""
    from crewai.flow.async_feedback.types import HumanFeedbackPending, PendingFeedbackContext

    context = PendingFeedbackContext("f", "m.F", "review", {"draft": (1,)}, "ok?", trace_context=(1, 2))
    pending = HumanFeedbackPending(context, {"ticket": 7})
    restored = through_json(pending)

    assert facts(restored) == facts(pending)


@pytest.mark.crewai
def test_the_errors_of_a_provider_come_back() -> None:
    """A failing or broken provider's errors come back with type, arguments, text and plain attributes."""
    import httpx
    import openai

    response = httpx.Response(500, request=httpx.Request("POST", "http://localhost/v1"))
    error = openai.InternalServerError("down", response=response, body={"code": "e5"})
    restored = through_json([error, httpx.RemoteProtocolError("left")])

    assert repr(restored) == "[InternalServerError('down'), RemoteProtocolError('left')]"
    assert vars(restored[0]) == {n: v for n, v in vars(error).items() if n not in ("request", "response")}


@pytest.mark.crewai
def test_a_crew_output_with_a_model_in_it_comes_back() -> None:
    """A CrewOutput holding a model of the user's, and the tasks' outputs, comes back whole."""
    from crewai.crews.crew_output import CrewOutput
    from crewai.tasks.output_format import OutputFormat
    from crewai.tasks.task_output import TaskOutput
    from crewai.types.usage_metrics import UsageMetrics

    report = Report(title="x", parts=[Report(title="y")])
    task = TaskOutput(description="d", agent="a", pydantic=report, output_format=OutputFormat.PYDANTIC)
    usage = UsageMetrics(total_tokens=3)
    output = CrewOutput(raw="r", pydantic=report, tasks_output=[task], token_usage=usage)
    restored = through_json(output)

    assert (restored, restored.pydantic, str(restored)) == (output, report, str(output))


@pytest.mark.crewai
def test_a_lite_agent_output_comes_back() -> None:
    """A LiteAgentOutput comes back equal."""
    from crewai.lite_agent_output import LiteAgentOutput, TodoExecutionResult

    todo = TodoExecutionResult(step_number=1, description="d", status="completed")
    output = LiteAgentOutput(raw="r", agent_role="a", pydantic=Report(title="x"), todos=[todo])

    assert through_json(output) == output
