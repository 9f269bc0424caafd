"""Every name in the mixed load: what its spans may be called, and what labels its metrics may have."""

from __future__ import annotations

from typing import Final

MODELS: Final = ("claude-sonnet-4-5", "gemini-2.5-flash", "gpt-4o", "gpt-4o-mini")
AGENTS: Final = ("Breaker", "Mcp", "Reader", "Researcher", "Task Execution Planner", "Worker", "Writer")
FLOWS: Final = (
    *(
        "ASlow",
        "Big",
        "Chat",
        "CrewFlow",
        "DocumentsFlow",
        "F",
        "FanOutFlow",
        "Inner",
        "Long",
        "Outer",
        "Par",
    ),
    *("ReportFlow", "ResearchFlow", "Review", "Slow"),
)
CREWS: Final = ("breaker", "documents_crew", "mcp", "planned", "research_crew", "solo")
TOOLS: Final = (
    *("explode", "lookup_fact", "python_mcp_server_py_add", "read_page", "run_sql", "search_web"),
    "word_count",
)
METHODS: Final = (
    *(
        "a",
        "after",
        "b",
        "bad",
        "c",
        "call",
        "converse_turn",
        "d",
        "draft",
        "drop",
        "go",
        "inner_a",
        "inner_b",
    ),
    *("join", "ok", "outer_a", "outer_b", "report", "route_conversation", "run_crew", "summarise"),
    *(f"branch_{number}" for number in range(8)),
    *(f"branch_{number}_{'async' if number < 4 else 'sync'}" for number in range(8)),
)
TASKS: Final = ("break", "mcp", "one", "planned", "read", "research", "write")
NAMED: Final = {
    "chat": MODELS,
    "execute_tool": (*TOOLS, "add"),
    "invoke_agent": AGENTS,
    "invoke_workflow": (*FLOWS, *CREWS),
    "method": METHODS,
    "task": TASKS,
}
SPAN_NAMES: Final = {
    *("conversation_turn", "guardrail", "mcp_connection", "task"),
    *(f"{kind} {name}" for kind, names in NAMED.items() for name in names),
}
RUN_NAMES: Final = {
    *("conversation_turn", *(f"chat {model}" for model in MODELS)),
    *(f"invoke_workflow {flow}" for flow in FLOWS if flow not in ("Chat", "Inner")),
}

LABELS: Final[dict[str, set[object]]] = {
    "error.type": {"429", "500", "RuntimeError", "TimeoutError", "_OTHER", "openai.InternalServerError"},
    "gen_ai.agent.name": {*AGENTS},
    "gen_ai.operation.name": {"chat"},
    "gen_ai.provider.name": {"anthropic", "gcp.gemini", "openai"},
    "gen_ai.request.model": {*MODELS},
    "gen_ai.token.type": {"input", "output"},
    "gen_ai.tool.name": {*TOOLS},
    "gen_ai.tool.type": {"function"},
    "gen_ai.workflow.name": {*(name for name in (*FLOWS, *CREWS) if name != "Chat")},  # was left open
    "otelstream.end": {"cancelled", "completed", "failed"},
    "otelstream.run.name": {*RUN_NAMES},
    "server.address": {"127.0.0.1", "llm.example"},
    "server.port": {33311, 37409, 39727, 40603, 41493, 41797, 443, 46389},
}
