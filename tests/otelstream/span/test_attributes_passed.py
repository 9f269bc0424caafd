"""What a span takes over from those around it: the agent's model and tools, the conversation."""

from __future__ import annotations

from collections.abc import Mapping

from otelstream.span import rules
from otelstream.span.attributes import at_start, facts_of
from otelstream.span.model import Attributes
from otelstream.span.tree import tree_of
from otelstream.testing import Script, assembled

LLM = {"model": "llama3", "provider": "ollama", "base_url": "http://u:p@host:11434/v1", "api_key": "sk-1"}
AGENT = {
    "id": "a1",
    "role": "Writer",
    "goal": "Write",
    "llm": LLM,
    "tools": [{"name": "find", "description": "Find a fact."}, {"name": "odd"}, "odd"],
}
FACTS: Attributes = {
    "gen_ai.request.model": "llama3",
    "gen_ai.provider.name": "ollama",
    "server.address": "host",
    "server.port": 11434,
    "gen_ai.agent.name": "Writer",
    "descriptions of tools": {"find": "Find a fact."},
}


def test_an_agent_tells_its_model_and_its_tools() -> None:
    """Of an agent's dump, these facts are passed to the spans beneath it, and no key."""
    assert facts_of(rules.AGENT, {"agent": AGENT}) == FACTS


def test_an_agent_without_a_dump_tells_nothing() -> None:
    """What is not known is not passed down."""
    assert facts_of(rules.AGENT, {"agent": "Writer"}) == {}


def test_a_call_of_the_agents_model_has_its_provider() -> None:
    """The dump knows provider and endpoint of a model whose name does not tell."""
    assert at_start(rules.LLM, {"model": "llama3"}, FACTS) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "llama3",
        "gen_ai.provider.name": "ollama",
        "server.address": "host",
        "server.port": 11434,
    }


def test_a_call_of_another_model_has_its_own_provider() -> None:
    """An agent's dump says nothing of a model that a tool of it calls."""
    assert at_start(rules.LLM, {"model": "gpt-4o"}, FACTS) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.provider.name": "openai",
    }


def test_a_tool_is_described_by_its_agent() -> None:
    """A tool has its agent's name and the description from its agent's dump."""
    assert at_start(rules.TOOL, {"tool_name": "find"}, FACTS) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "find",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "Find a fact.",
        "gen_ai.agent.name": "Writer",
    }


def test_a_call_that_does_not_stream_does_not_say_so() -> None:
    """`gen_ai.request.stream` is there only when it is true."""
    said = [at_start(rules.LLM, {"stream": value}, {}) for value in (True, False, None)]
    assert ["gen_ai.request.stream" in one for one in said] == [True, False, False]


def conversations(script: Script) -> Mapping[str, object]:
    """The conversation of each span, by its name."""
    root = tree_of(assembled(script.frames))
    assert root is not None
    return {node.started.name: node.attributes.get("gen_ai.conversation.id") for node in root.walk()}


def test_a_conversation_is_on_all_that_it_does() -> None:
    """Flow, crew, agent, call and tool of a turn tell its session; methods and tasks do not."""
    script = Script()
    script.start("conversation_turn_started", session_id="s1")
    for start in (
        "flow_started",
        "method_execution_started",
        "crew_kickoff_started",
        "task_started",
        "agent_execution_started",
        "tool_usage_started",
        "llm_call_started",
    ):
        script.start(start, flow_name="F", crew_name="C")
    assert conversations(script) == {
        "conversation_turn": "s1",
        "invoke_workflow F": "s1",
        "method": None,
        "invoke_workflow C": "s1",
        "task": None,
        "invoke_agent": "s1",
        "execute_tool": "s1",
        "chat": "s1",
    }


def test_an_inner_agent_has_its_own_facts() -> None:
    """What is beneath two agents hears the nearer one."""
    script = Script()
    script.start("agent_execution_started", agent=AGENT)
    script.start("tool_usage_started", tool_name="delegate")
    script.start("agent_execution_started", agent={**AGENT, "role": "Editor"})
    script.start("tool_usage_started", tool_name="find")
    root = tree_of(assembled(script.frames))
    assert root is not None
    tools = [node for node in root.walk() if node.started.name.startswith("execute_tool")]
    assert [node.attributes["gen_ai.agent.name"] for node in tools] == ["Writer", "Editor"]
