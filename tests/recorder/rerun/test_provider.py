"""CrewAI's own OpenAI provider: recorded before a server, re-executed without a server, a socket or a key."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import otelstream
import recorder
from otelstream.demo.environment import quiet_environment
from recorder import DivergedError
from recorder.diff import diff

quiet_environment()

from crewai import LLM, Agent, Crew, Task  # noqa: E402 (after the settings)
from crewai.flow.flow import start  # noqa: E402 (after the settings)
from crewai.llms.base_llm import BaseLLM  # noqa: E402 (after the settings)
from crewai.tools import tool  # noqa: E402 (after the settings)

from recorder.rerun.seam.keys import DUMMY_KEY  # noqa: E402 (after the settings)
from tests.recorder.rerun.openai_server import Reply, serving  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import KEY, Performed, QuietFlow, Tea, consume  # noqa: E402 (after the settings)

pytestmark = pytest.mark.crewai

Ask = Callable[[BaseLLM], object]


@dataclass(frozen=True)
class Play:
    """A program on OpenAI's provider.

    Attributes:
        replies: What the server answers.
        ask: What the program does with its model.
        streams: Whether the model streams.
    """

    replies: Sequence[Reply]
    ask: Ask
    streams: bool = False


def say(model: BaseLLM) -> object:
    """Ask for a text."""
    return model.call("Which tea?")


def structure(model: BaseLLM) -> object:
    """Ask for an object."""
    tea = model.call([{"role": "user", "content": "Which tea?"}], response_model=Tea)
    assert isinstance(tea, Tea)
    return tea.grams


def crew(model: BaseLLM) -> object:
    """Let an agent use a tool."""

    @tool("lookup")
    def lookup(topic: str) -> str:
        """Look something up."""
        assert model.api_key == KEY, "the tool ran without a key"
        return f"{topic} is green"

    cook = Agent(role="Cook", goal="Say what is so", backstory="Cooks.", tools=[lookup], llm=model)
    task = Task(description="Say what tea is.", expected_output="A sentence.", agent=cook)
    return str(Crew(name="tea", agents=[cook], tasks=[task]).kickoff())


def own_tool(model: BaseLLM) -> object:
    """Let the provider itself run a function."""

    def weigh(topic: str) -> int:
        assert model.api_key == KEY, "the function ran without a key"
        return len(topic)

    schema: dict[str, Any] = {
        "type": "function",
        "function": {
            "name": "weigh",
            "description": "Weigh.",
            "parameters": {
                "type": "object",
                "properties": {"topic": {"type": "string"}},
                "required": ["topic"],
            },
        },
    }
    return model.call("How heavy is tea?", tools=[schema], available_functions={"weigh": weigh})


def survive(model: BaseLLM) -> object:
    """Ask again after a failure of the server."""
    from openai import InternalServerError

    try:
        return model.call("Which tea?")
    except InternalServerError as error:
        return f"{error.status_code}: {model.call('Which tea, then?')}"


CALL = ("lookup", {"topic": "tea"})
TEA = '{"name":"Sencha","grams":3}'
PLAYS = {
    "text": Play(["Green tea, please."], say),
    "text, streamed": Play(["Green tea, please."], say, streams=True),
    "object": Play([TEA], structure),
    "object, streamed": Play([TEA], structure, streams=True),
    "crew": Play([CALL, "Tea is green."], crew),
    "crew, streamed": Play([CALL, "Tea is green."], crew, streams=True),
    "own tool": Play([("weigh", {"topic": "tea"})], own_tool),
    "own tool, streamed": Play([("weigh", {"topic": "tea"})], own_tool, streams=True),
    "rate limit": Play([429, "Green tea, at last."], say),
    "server error": Play([500, "Green tea, after all."], survive),
    "server error, streamed": Play([500, "Green tea, after all."], survive, streams=True),
    "last error": Play([503], say),
}


def perform(play: Play, address: str, key: str | None, path: Path) -> Performed:
    """Run a play as a flow, recorded."""
    model = LLM(model="openai/gpt-4o-mini", base_url=address, stream=play.streams, max_retries=0, api_key=key)

    class ProviderFlow(QuietFlow):
        @start()
        def inquire(self) -> object:
            return play.ask(model)

    return consume(otelstream.observe(ProviderFlow().stream_events(), record=path))


@dataclass(frozen=True)
class Recorded:
    """A play that was recorded: where, at which address, and what came of it."""

    path: Path
    address: str
    performed: Performed
    requests: int


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Recorded]:
    """The recording of a play of that name."""
    folder = tmp_path_factory.mktemp("provider")
    made: dict[str, Recorded] = {}

    def record(name: str) -> Recorded:
        if name not in made:
            path = folder / f"{len(made)}.duckdb"
            with pytest.MonkeyPatch.context() as patch, serving(PLAYS[name].replies) as (address, requests):
                patch.setattr("crewai.llms.retry._LLM_RATE_LIMIT_INITIAL_DELAY_SECONDS", 0.0)
                performed = perform(PLAYS[name], address, KEY, path)
                made[name] = Recorded(path, address, performed, len(requests))
        return made[name]

    return record


@pytest.mark.parametrize("name", PLAYS)
def test_a_provider_is_the_same_again(
    name: str,
    recordings: Callable[[str], Recorded],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Frames, result and exception are those that the server brought about; every request of it was used."""
    recorded = recordings(name)
    assert recorded.requests == len(PLAYS[name].replies)
    request.getfixturevalue("no_network")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    with recorder.rerun(recorded.path) as rerun:
        performed = perform(PLAYS[name], recorded.address, None, tmp_path / "again.duckdb")

    difference = diff(recorded.path, tmp_path / "again.duckdb")
    assert difference.verdict == "same", str(difference)
    assert performed.result == recorded.performed.result
    assert repr(performed.error) == repr(recorded.performed.error)
    assert rerun.report.is_complete, str(rerun.report)


@pytest.mark.usefixtures("no_network")
def test_a_provider_without_a_key_tells_what_it_was_asked(recordings: Callable[[str], Recorded]) -> None:
    """A changed question stops the run, in which no server can be asked."""
    recorded = recordings("text")
    changed = Play((), lambda model: model.call("Which coffee?"))

    with pytest.raises(DivergedError, match="Which coffee") as raised, recorder.rerun(recorded.path):
        perform(changed, recorded.address, None, recorded.path.with_name("changed.duckdb"))

    assert raised.value.sentence == (
        "LLM call 1 (flow ProviderFlow > method inquire) is not the recorded one: message 1 (user) differs: "
        + "recorded "
        + json.dumps({"role": "user", "content": "Which tea?"})
        + ", now "
        + json.dumps({"role": "user", "content": "Which coffee?"})
        + ". If that is intended, record the run again."
    )


@pytest.mark.usefixtures("no_network")
def test_models_are_made_without_a_key(
    recordings: Callable[[str], Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that refuse to be made without one, as they do again after the block."""
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with recorder.rerun(recordings("text").path):
        made = [LLM(model=model).api_key for model in ("deepseek/deepseek-chat", "openai/gpt-4o-mini")]

    assert made == [DUMMY_KEY, DUMMY_KEY]
    with pytest.raises(ImportError, match="API key required for deepseek"):
        LLM(model="deepseek/deepseek-chat")
    assert LLM(model="openai/gpt-4o-mini").api_key is None


def test_a_key_that_is_there_stays(
    recordings: Callable[[str], Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given or in the environment, which is not touched."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    with recorder.rerun(recordings("text").path):
        made = [LLM(model="openai/gpt-4o-mini", api_key=key).api_key for key in (KEY, None)]

    assert made == [KEY, "sk-of-the-environment"]


def test_tokens_are_counted_without_the_server(
    recordings: Callable[[str], Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agents count the tokens of large requests, for which the provider asks OpenAI."""
    path, model = recordings("text").path, LLM(model="openai/gpt-4o-mini", api_key=KEY)
    asked: list[object] = []

    def client(llm: BaseLLM) -> None:
        asked.append(llm.model)

    monkeypatch.setattr(type(model), "_get_sync_client", client)
    with recorder.rerun(path):
        counted = model.get_input_tokens_count("Which tea?")
    model.get_input_tokens_count("Which tea?")

    assert (counted, asked) == (3, ["gpt-4o-mini"])
