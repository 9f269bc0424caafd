"""The kinds of runs that a load is made of, each as frames: the same seed gives the same run."""

from __future__ import annotations

from contextlib import ExitStack, suppress

from otelstream.frame import StreamFrame
from tests.e2e.stories import KB, MODELS, TOOLS, RunError, Story


def research(seed: int, *, retries: int = 0) -> list[StreamFrame]:
    """A crew of two agents: one uses tools that may fail first, the other writes until a guardrail agrees."""
    story = Story(seed)
    with story.flow("ResearchFlow"), story.method("run_crew", "ResearchFlow"), story.crew("research_crew"):
        with story.agent("Researcher", "research"):
            for number in range(3):
                story.chat(chunks=4)
                for attempt in range(1, retries + 1):
                    story.tool(TOOLS[number], attempt=attempt, error="TimeoutError('no answer in 10 s')")
                story.tool(TOOLS[number], attempt=retries + 1)
            story.chat(chunks=60)
        with story.agent("Writer", "write", MODELS[2]):
            for attempt in range(retries + 1):
                story.chat(MODELS[2], chunks=120)
                story.guardrail(attempt=attempt, success=attempt == retries)
    return story.frames


def turn(seed: int, conversation: str) -> list[StreamFrame]:
    """One turn of a chat."""
    story = Story(seed)
    with story.turn(conversation), story.method("converse_turn", "SupportChat"):
        story.chat(MODELS[1], chunks=40)
    return story.frames


def direct(seed: int, model: str) -> list[StreamFrame]:
    """A call to a model without a flow around."""
    story = Story(seed)
    story.chat(model, chunks=30)
    return story.frames


def branches(seed: int, count: int = 8) -> list[StreamFrame]:
    """A flow whose methods run at the same time, each with a call and a tool."""
    story = Story(seed)
    with story.flow("FanOutFlow"):
        parallel = [story.fork() for _ in range(count)]
        with ExitStack() as open_methods:
            for number, branch in enumerate(parallel):
                open_methods.enter_context(branch.method(f"branch_{number}", "FanOutFlow"))
            for number, branch in enumerate(parallel):
                branch.chat(MODELS[number % len(MODELS)])
            for number, branch in enumerate(parallel):
                branch.tool(TOOLS[number % len(TOOLS)])
    return story.frames


def long_answer(seed: int, chunks: int = 5_000) -> list[StreamFrame]:
    """A flow whose model answers with that many tokens, each a frame."""
    story = Story(seed)
    with story.flow("ReportFlow"), story.method("report", "ReportFlow"):
        story.chat(chunks=chunks)
    return story.frames


def heavy(seed: int, calls: int = 5) -> list[StreamFrame]:
    """Prompts of 100 KB and tools that answer with as much."""
    story = Story(seed)
    with story.flow("DocumentsFlow"), story.crew("documents_crew"), story.agent("Reader", "read", MODELS[3]):
        for _ in range(calls):
            story.chat(MODELS[3], prompt_bytes=100 * KB)
            story.tool("read_page", output_bytes=100 * KB)
    return story.frames


def many_steps(seed: int, steps: int = 2_500) -> list[StreamFrame]:
    """An agent that does not stop: a call and a tool a step."""
    story = Story(seed)
    with story.flow("LoopFlow"), story.crew("loop_crew"), story.agent("Looper", "loop"):
        for _ in range(steps):
            story.chat(chunks=3)
            story.tool(TOOLS[0])
    return story.frames


def many_agents(seed: int, agents: int = 100) -> list[StreamFrame]:
    """A crew of that many agents, each with calls, tools and a prompt of 20 KB."""
    story = Story(seed)
    with story.flow("CompanyFlow"), story.crew("company_crew"):
        for number in range(agents):
            with story.agent(f"Worker {number}", f"work {number}"):
                story.chat(prompt_bytes=20 * KB)
                story.tool(TOOLS[1], output_bytes=20 * KB)
                story.chat(chunks=200)
    return story.frames


def stalled(seed: int) -> list[StreamFrame]:
    """An answer that stops for more than two seconds in its middle."""
    story = Story(seed)
    with story.flow("ReportFlow"), story.method("report", "ReportFlow"):
        story.chat(stall_ms=2_500)
    return story.frames


def failing(seed: int, error: str) -> list[StreamFrame]:
    """A crew whose model fails after its first tool."""
    story = Story(seed)
    with (
        suppress(RunError),
        story.flow("ResearchFlow"),
        story.method("run_crew", "ResearchFlow"),
        story.crew("research_crew"),
        story.agent("Researcher", "research"),
    ):
        story.chat(chunks=4)
        story.tool(TOOLS[0])
        story.failing_chat(error)
    return story.frames
