"""What docs/VIEWING.md offers to paste: its TraceQL finds what it says, and its commands exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml
from typer.testing import CliRunner

import otelstream
from otelstream.cli import app
from tests.dashboards.panels.queries import dashboards, panel_queries
from tests.dashboards.traceql import names_of, unknown_names
from tests.dashboards.traceql_grammar import METRICS
from tests.dashboards.traceql_search import search
from tests.dashboards.viewed import RUNS, viewed
from tests.dashboards.viewing import DOCUMENT, blocks, commands, queries
from tests.e2e.received import ReceivedSpan
from tests.e2e.runs import session

ROOT: Final = DOCUMENT.parents[1]
SESSION: Final = "0198f2a4-0000-7000-8000-000000000000"
"""The id that stands in the document."""

FLOW: Final = "invoke_workflow DemoFlow"
FOUND: Final = {
    "Runs that went wrong": ["HTTP 500: invoke_workflow F", "method raises: invoke_workflow F"],
    "Slow first token": ["slow: chat gpt-4o"],
    "Stalls": ["stalled: chat gpt-4o"],
    "Long stalls": ["stalled: chat gpt-4o"],
    "Loops": ["looping: chat gpt-4o"] * 21,
    "One tool again and again": ["looping: execute_tool lookup"] * 6,
    "Failed agents under a flow": ["agent fails: invoke_agent Researcher"],
    "Where failures began": [
        "tool raises: execute_tool explode",
        "HTTP 500: chat gpt-4o-mini",
        "HTTP 500, retried: chat gpt-4o-mini",
        "method raises: method bad",
        "retried: chat gpt-4o",
        "retried: execute_tool lookup",
        "agent fails: chat gpt-4o",
    ],
    "Retried calls": ["HTTP 500, retried: chat gpt-4o-mini", "retried: chat gpt-4o"],
    "Retried tools": ["retried: execute_tool lookup"],
    "The turns of a conversation": ["turn: conversation_turn"],
    "One run of a recording": [f"left open: {FLOW}"],
    "Runs that are not whole": [f"heavy: {FLOW}"],
    "Odd streams": [f"left open: {FLOW}"],
    "What continues an earlier run": ["feedback: invoke_workflow Review"],
}
"""What each search finds among the runs of `viewed.py`: the run and the span."""

CURVES: Final = ["Slow first token, as a curve", "Failed tools", "Tokens by model", "Slow tools"]


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[ReceivedSpan], str]:
    """The spans of all runs, and the session of the last."""
    return viewed(tmp_path_factory.mktemp("viewed"))


def found(query: str, spans: tuple[list[ReceivedSpan], str]) -> list[str]:
    """Return what a query of the document finds, as run and span."""
    received, last = spans
    return [f"{span.trace_id}: {span.name}" for span in search(query.replace(SESSION, last), received)]


def test_every_query_is_known_here() -> None:
    """Each query has a name of its own, and is looked at below."""
    assert len(queries()) == len(blocks("traceql"))
    assert sorted(queries()) == sorted(["All runs", *FOUND, *CURVES])


def test_queries_use_only_our_names() -> None:
    """Each attribute of each query is in MAPPING.md, or OpenTelemetry's of a resource."""
    assert {title: unknown for title, query in queries().items() if (unknown := unknown_names(query))} == {}


@pytest.mark.parametrize("title", FOUND)
def test_a_search_finds_what_it_says(title: str, spans: tuple[list[ReceivedSpan], str]) -> None:
    """A search finds the spans of the runs in which that happened, and none of the others."""
    assert found(queries()[title], spans) == FOUND[title]


def test_all_runs_are_found(spans: tuple[list[ReceivedSpan], str]) -> None:
    """The search for all runs finds one span of each session."""
    expected = [name for name, run in RUNS.items() for _ in run.sessions]
    assert [where.partition(": ")[0] for where in found(queries()["All runs"], spans)] == expected


@pytest.mark.parametrize("title", CURVES)
def test_a_curve_is_of_spans_that_have_what_is_measured(
    title: str, spans: tuple[list[ReceivedSpan], str]
) -> None:
    """What a curve is made of is on the spans that it selects: value and labels."""
    query = queries()[title]
    assert set(names_of(query).functions) & set(METRICS)
    selected = search(query.partition("|")[0], spans[0])
    used = [name for scope, name in names_of(query).attributes if scope == "span"]
    assert any(all(name in span.attributes for name in used) for span in selected)


def test_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document's Python observes a session."""

    class Flow:
        def stream_events(self, inputs: dict[str, str]) -> object:
            """Return a session that was recorded earlier."""
            return session()

    monkeypatch.chdir(tmp_path)
    (block,) = blocks("python")
    exec(block, {"flow": Flow()})
    assert (tmp_path / "runs.duckdb").exists()


def test_commands_exist() -> None:
    """Each `otelstream` command of the document is one, with those options."""
    typed = [_arguments(line) for line in commands()]
    ours = [arguments[1:] for arguments in typed if arguments[:1] == ["otelstream"]]
    for arguments in ours:
        _parse(typer.main.get_command(app), arguments)
    assert len(ours) == 9


def test_commands_on_a_recording_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the document types to look at a recording succeeds on one."""
    monkeypatch.chdir(tmp_path)
    list(otelstream.observe(session(), record="runs.duckdb"))
    typed = [_arguments(line) for line in commands()]
    looking = [
        words[1:] for words in typed if words[0] == "otelstream" and words[1] in ("ls", "show", "stats")
    ]
    assert [CliRunner().invoke(app, words).exit_code for words in looking] == [0, 0, 0, 0]


def test_profiles_and_ports_are_those_of_the_compose_file() -> None:
    """Each profile, page and variable for a port that the document names is in docker-compose.yml."""
    text, compose = (
        DOCUMENT.read_text(encoding="utf-8"),
        (ROOT / "docker-compose.yml").read_text(encoding="utf-8"),
    )
    services = yaml.safe_load(compose)["services"].values()
    profiles = {profile for service in services for profile in service["profiles"]}
    assert set(re.findall(r"--profile (\w+)", text)) == profiles
    pages = set(re.findall(r"<http://localhost:(\d+)>", text))
    assert pages <= set(re.findall(r"_PORT:-(\d+)\}", compose))
    assert set(re.findall(r"\b[A-Z_]+_PORT\b", text)) == set(re.findall(r"\{([A-Z_]+_PORT):-", compose))


def test_dashboards_and_panels_are_there() -> None:
    """Dashboards, panels and variables that the document sends one to are in the dashboards' files."""
    boards = [
        json.loads(file.read_text(encoding="utf-8")) for file in (ROOT / "dashboards/grafana").glob("*.json")
    ]
    there = {
        *(board["title"].removeprefix("otelstream: ") for board in boards),
        *(panel["title"] for board in boards for panel in board["panels"]),
        *(variable["label"] for board in boards for variable in board["templating"]["list"]),
    }
    section = DOCUMENT.read_text(encoding="utf-8").partition("\n## Grafana\n")[2].partition("\n## ")[0]
    grafanas_own = {
        *("Explore", "Tempo", "TraceQL", "Run query", "Span attributes", "Open the trace", "otelstream"),
        *("Dashboards → otelstream → otelstream: Runs", "Dashboards → New → Import"),
    }
    named = re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", " ".join(section.split()))
    assert set(named) - grafanas_own - there == set()


def test_what_filters_rows_only_is_told() -> None:
    """The document says which variables leave numbers and curves as they are: those in no PromQL."""
    asked = " ".join(query.text for query in panel_queries() if query.language == "promql")
    choices = {
        variable["label"]: variable["name"]
        for board in dashboards().values()
        for variable in board["templating"]["list"]
        if variable["type"] == "query"
    }
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    told = set(re.findall(r"\*(\w+)\* chooses rows in the tables of traces only", text))

    assert told == {label for label, name in choices.items() if f"${name}" not in asked}


def test_links_lead_somewhere() -> None:
    """Each link to a file or to a heading of the document leads to one."""
    text = DOCUMENT.read_text(encoding="utf-8")
    headings = [
        re.sub(r"[^a-z ]", "", line.lower()).strip() for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    ]
    anchors = {f"#{heading.replace(' ', '-')}" for heading in headings}
    missing = [
        target
        for target in re.findall(r"\]\(([^)]+)\)", text)
        if target not in anchors and not (DOCUMENT.parent / target).exists()
    ]
    assert missing == []


def _parse(command: Any, words: list[str]) -> None:  # noqa: ANN401  a command or group of typer's
    """Let a command read its arguments, and not run; a wrong one raises."""
    if isinstance(command, typer.core.TyperGroup):
        found = command.get_command(typer.Context(command), words[0])
        assert found is not None, words[0]
        _parse(found, words[1:])
    else:
        command.make_context(command.name, list(words)).close()


def _arguments(line: str) -> list[str]:
    words = shlex.split(line)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    return words
