"""What the dashboards ask, a real Prometheus answers, and the answers are what the load did."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from otelstream.export.instruments import SECONDS
from tests.dashboards.exported import JOB, Exported, exported
from tests.dashboards.panels.queries import ANYTHING, panel_queries, variable_queries
from tests.dashboards.panels.shown import legends, with_exemplars
from tests.dashboards.prometheus import WAYS, Prometheus, need_prometheus
from tests.e2e.load_names import AGENTS, MODELS, RUN_NAMES, TOOLS

pytestmark = pytest.mark.backend

COMMITS: Final = {"Commit times", "Commit times, p50 and p95"}

VARIABLES: Final[Mapping[str, set[object]]] = {
    "$service": {JOB},
    "$agent": {*AGENTS},
    "$tool": {*TOOLS},
    "$model": {*MODELS},
    "$flow": {*RUN_NAMES},
}


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The load, played once."""
    return exported(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module", params=WAYS)
def prometheus(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus of each version, which holds what the load exported."""
    need_prometheus(request.param)  # before the load is played
    load: Exported = request.getfixturevalue("load")
    with WAYS[request.param](load, tmp_path_factory.mktemp("prometheus")) as running:
        yield running


def unanswered(prometheus: Prometheus, values: Mapping[str, str]) -> list[tuple[object, ...]]:
    """Return the queries of panels that have no result with those values, or one with a remark."""
    found: list[tuple[object, ...]] = []
    for query in panel_queries():
        if query.language == "promql":
            ask = prometheus.at_end if query.instant else prometheus.over_time
            answer = ask(query.filled(values))
            if answer.said or not answer.series:
                found.append((query.dashboard, query.panel, query.text, answer.said))
    return found


def test_every_query_is_answered(prometheus: Prometheus) -> None:
    """Each expression of each panel has a result, and Prometheus has nothing to say against it."""
    asked_for = [query for query in panel_queries() if query.language == "promql"]

    assert (unanswered(prometheus, ANYTHING), len(asked_for) > 60) == ([], True)


def test_every_query_is_answered_for_one_choice(prometheus: Prometheus) -> None:
    """The same where one service, flow, model, agent and tool are chosen."""
    one = {
        "service": "load",
        "flow": "invoke_workflow ResearchFlow",
        "model": "gpt-4o",
        "agent": "Researcher",
        "tool": "search_web",
    }

    assert unanswered(prometheus, {**ANYTHING, **one}) == []


def test_another_service_is_not_shown(prometheus: Prometheus) -> None:
    """A service is chosen by its whole name: one that begins or ends the same has nothing of it."""
    shown = [
        (query.panel, name)
        for query in panel_queries()
        for name in ("loa", "oad", "shop")
        if query.language == "promql"
        and prometheus.at_end(query.filled({**ANYTHING, "service": name})).series
    ]

    assert shown == []


def test_every_legend_has_its_labels(prometheus: Prometheus) -> None:
    """What a legend names is a label of each series: none is called by an empty name."""
    nameless = [
        (query.panel, labels, series["metric"])
        for query, labels in legends()
        for series in prometheus.over_time(query.filled()).series
        if not labels <= series["metric"].keys()
    ]

    assert (nameless, len(list(legends())) > 20) == ([], True)


def test_variables_offer_what_there_is(prometheus: Prometheus) -> None:
    """Each variable lists the names of the load, all of them and nothing else."""
    wrong = []
    for query in variable_queries():
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", query.filled())
        assert found is not None
        values = set(prometheus.values_of(found[2], found[1]))
        if values != VARIABLES[query.panel]:
            wrong.append((query, values ^ VARIABLES[query.panel]))

    assert wrong == []


def test_runs_are_those_that_ended(prometheus: Prometheus, load: Exported) -> None:
    """All 50 runs ended, some of them failed: a run that goes on, or what was no frame, is none of them."""
    ended = prometheus.shown("Runs that ended").only
    failed = prometheus.shown("Failed runs").only
    share = prometheus.shown("Failure share", "otelstream-runs").only
    ends = Counter(run.told_end for run in load.runs)

    assert (ended, failed, share) == (ends.total(), ends["failed"], ends["failed"] / ends.total())


def test_bars_add_up(prometheus: Prometheus, load: Exported) -> None:
    """Each bar of the runs by end is what ended since the export before; the first has all before it."""
    times = [prometheus.end_s - 60 * before for before in (4, 3, 2, 1, 0)]
    bars = {
        series["metric"]["otelstream_end"]: [float(dict(series["values"]).get(at, 0)) for at in times]
        for series in prometheus.shown("Runs by end").series
    }

    assert bars == {end: [part[end] for part in load.ends] for end in ("completed", "failed", "cancelled")}


def test_flows_have_their_own_numbers(prometheus: Prometheus, load: Exported) -> None:
    """The table of flows has each with its runs; crews in flows are not in it."""
    told = prometheus.shown("Flows").by("otelstream_run_name")

    assert (set(told), sum(told.values())) == ({(name,) for name in RUN_NAMES}, len(load.runs))


def test_the_run_that_goes_on_is_running(prometheus: Prometheus) -> None:
    """One run has begun and not ended: it is running now, and its spans are open."""
    running = prometheus.shown("Running now").only
    by_flow = prometheus.at_end("otelstream_runs_active > 0").by("otelstream_run_name")
    spans = prometheus.at_end("otelstream_spans_open").only

    assert (running, by_flow, spans) == (1, {("invoke_workflow ResearchFlow",): 1}, 6)


def test_tokens_are_those_of_the_models(prometheus: Prometheus, load: Exported) -> None:
    """Input and output tokens are the sums of what the models reported, and no more."""
    told = load.tokens()
    shown = [prometheus.shown(f"{direction} tokens").only for direction in ("Input", "Output")]
    sums = [
        sum(count for (_, way), count in told.items() if way == direction)
        for direction in ("input", "output")
    ]

    assert shown == sums


def test_tokens_by_model_add_up(prometheus: Prometheus, load: Exported) -> None:
    """So are they by model and direction, added up over the bars."""
    shown: Counter[tuple[str, str]] = Counter()
    for series in prometheus.shown("Tokens by model and direction").series:
        labels = series["metric"]
        key = labels["gen_ai_request_model"], labels["gen_ai_token_type"]
        shown[key] += int(sum(float(value) for _, value in series["values"]))

    assert shown == load.tokens()


def test_calls_are_those_with_a_known_end(prometheus: Prometheus, load: Exported) -> None:
    """Calls are counted as often as calls ended, and failed ones by their error."""
    errors: Counter[str] = Counter()
    for series in prometheus.shown("Failed calls by error").series:
        errors[series["metric"]["error_type"]] += int(sum(float(value) for _, value in series["values"]))

    assert (prometheus.shown("Calls").only, set(errors)) == (
        len(load.first_chunks()),
        {"429", "500", "RuntimeError", "_OTHER"},
    )


def test_the_p95_lies_in_its_bucket(prometheus: Prometheus, load: Exported) -> None:
    """The 95th percentile of the times to the first chunk is in the bucket of the true one."""
    times = sorted(seconds for seconds in load.first_chunks() if seconds is not None)
    true = times[math.ceil(0.95 * len(times)) - 1]
    shown = prometheus.shown("First chunk, p95").only

    assert bisect_left(SECONDS, shown) == bisect_left(SECONDS, true)


def test_what_was_lost_is_shown(prometheus: Prometheus, load: Exported) -> None:
    """Frames are those that came; what was no frame is told as a loss, with its reason."""
    frames = prometheus.shown("Frames").only
    dropped = prometheus.shown("Dropped").only
    reasons = [series["metric"] for series in prometheus.shown("Dropped, by reason").series]

    assert (frames, dropped, reasons) == (len(load.frames), 1, [{"reason": "frame"}])


def test_stalls_are_shown(prometheus: Prometheus) -> None:
    """The one pause of more than two seconds is one stall, of its model."""
    (stalls,) = prometheus.shown("Stalls by model").series

    assert (stalls["metric"], [value for _, value in stalls["values"]]) == (
        {"gen_ai_request_model": "gpt-4o"},
        ["1"],
    )


def test_tools_that_failed_are_shown(prometheus: Prometheus) -> None:
    """Of the tools, those fail that were made to, by their errors."""
    failed = {
        (series["metric"]["gen_ai_tool_name"], series["metric"]["error_type"])
        for series in prometheus.shown("Failed tools").series
    }

    assert failed == {
        ("explode", "RuntimeError"),
        *((tool, "TimeoutError") for tool in ("read_page", "run_sql", "search_web")),
    }


@pytest.mark.parametrize("prometheus", ["3"], indirect=True)
def test_exemplars_lead_to_traces(prometheus: Prometheus, load: Exported) -> None:
    """Points of durations name spans that arrived: a click leads to the trace behind the number."""
    found = prometheus.exemplars('{__name__=~".+_seconds_bucket", __name__!~"otelstream_commit.+"}')
    spans = {(span.trace_id, span.span_id) for span in load.spans}
    named = {(labels["trace_id"], labels["span_id"]) for labels in found}

    assert (named - spans, len(named) > 100) == (set(), True)


@pytest.mark.parametrize("prometheus", ["3"], indirect=True)
def test_every_panel_with_exemplars_has_some(prometheus: Prometheus) -> None:
    """Each expression that asks for exemplars has them; only a commit is of no span."""
    queries = list(with_exemplars())
    without = {query.panel for query in queries if not prometheus.exemplars(query.filled())}

    assert (without - COMMITS, len(queries) > 10) == (set(), True)
