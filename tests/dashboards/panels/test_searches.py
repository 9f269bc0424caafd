"""Each search of the dashboards finds the spans that its panel is about, among runs where everything happens.

A name that is right and a value that is not would leave a table empty for ever, and nobody would know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.dashboards.panels.queries import ANYTHING, Query, panel_queries
from tests.dashboards.traceql import names_of
from tests.dashboards.traceql_grammar import METRICS
from tests.dashboards.traceql_search import search
from tests.dashboards.viewed import RUNS, viewed
from tests.e2e.received import ReceivedSpan

FOUND: Final = {
    "Agents that were executed again in one task": ["again: invoke_agent Writer"] * 2,
    "Calls that waited more than 2 s for their first chunk": ["slow: chat gpt-4o"],
    "Latest failed runs": ["HTTP 500: invoke_workflow F", "method raises: invoke_workflow F"],
    "Runs whose trace or recording is not whole": ["heavy: invoke_workflow DemoFlow"],
}
"""All that these find."""

ABOUT: Final[dict[str, Callable[[ReceivedSpan], bool]]] = {
    "Agents": lambda span: span.name.startswith("invoke_agent "),
    "Calls to models": lambda span: span.name.startswith("chat "),
    "Errors": lambda span: span.status == "ERROR",
    "Latest failed agents and tools": lambda span: (
        span.status == "ERROR" and span.name.startswith(("invoke_agent ", "execute_tool "))
    ),
    "Latest failed calls": lambda span: span.status == "ERROR" and span.name.startswith("chat "),
    "Latest runs": lambda span: span.parent_span_id == "",
    "The run": lambda span: span.parent_span_id == "",
    "Tokens over time": lambda span: span.name.startswith("chat "),
    "Tools": lambda span: span.name.startswith("execute_tool "),
}
"""Which spans the others find: all of these."""

SEARCHES: Final = {
    query.panel: query
    for query in panel_queries()
    if query.language == "traceql" and not set(names_of(query.text).functions) & set(METRICS)
    # A trace that is shown by its id is no search.
    if query.text != "${trace}"
}


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> list[ReceivedSpan]:
    """The spans of all runs."""
    return viewed(tmp_path_factory.mktemp("viewed"))[0]


def found(query: Query, spans: list[ReceivedSpan]) -> list[str]:
    """Return what a panel's query finds when all is chosen; one of a trace, in each of the traces."""
    traces = list(RUNS) if "${trace}" in query.text else [""]
    answers = [search(query.filled({**ANYTHING, "trace": trace}), spans) for trace in traces]
    return [named(span) for answer in answers for span in answer]


def named(span: ReceivedSpan) -> str:
    """Return a span's run and name."""
    return f"{span.trace_id}: {span.name}"


def test_every_search_is_known_here() -> None:
    """Each search of the dashboards is looked at below, and its panel's title is its own."""
    assert sorted(SEARCHES) == sorted([*FOUND, *ABOUT])


@pytest.mark.parametrize("title", FOUND)
def test_a_search_finds_what_happened(title: str, spans: list[ReceivedSpan]) -> None:
    """A table of what went wrong has the spans of the runs in which it did, and no other."""
    assert found(SEARCHES[title], spans) == FOUND[title]


@pytest.mark.parametrize("title", ABOUT)
def test_a_search_finds_all_that_it_is_about(title: str, spans: list[ReceivedSpan]) -> None:
    """A table of some kind of work has every span of that kind, and no other."""
    expected = [named(span) for span in spans if ABOUT[title](span)]
    assert sorted(found(SEARCHES[title], spans)) == sorted(expected)
    assert expected
