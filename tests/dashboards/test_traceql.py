"""Which names a TraceQL query uses, what is refused, and that MAPPING.md decides what is known."""

from __future__ import annotations

import pytest

from tests.dashboards.traceql import Names, names_of, unknown_names
from tests.dashboards.traceql_tokens import TraceqlError


def test_names_of_a_search() -> None:
    """A search names its attributes with their scopes, its intrinsics, its functions and its hints."""
    query = """
    { resource.service.name =~ "${service:regex}" && span:status = error && .error.type != nil }
      >> { event:name = `otelstream.stall` &&
           (event.otelstream.stall.duration > 2 || link.otelstream.link = "x") }
      | by(span.crewai.flow.name) | count() > 2 | select(span.gen_ai.agent.name, name) with (most_recent=true)
    """
    assert names_of(query) == Names(
        attributes=(
            ("resource", "service.name"),
            ("", "error.type"),
            ("event", "otelstream.stall.duration"),
            ("link", "otelstream.link"),
            ("span", "crewai.flow.name"),
            ("span", "gen_ai.agent.name"),
        ),
        intrinsics=("span:status", "event:name", "name"),
        functions=("by", "count", "select"),
        hints=("most_recent",),
    )


def test_names_of_a_metric() -> None:
    """A metrics query names what it measures, what it groups by and its second stage."""
    query = (
        '{ span.a = "x" } | quantile_over_time(span:duration, .5, 0.95) by (span.b, kind) | topk(5) > 100ms'
    )
    assert names_of(query) == Names(
        (("span", "a"), ("span", "b")), ("span:duration", "kind"), ("quantile_over_time", "by", "topk"), ()
    )


def test_names_may_be_quoted() -> None:
    """Quotes belong to no name, and what is in strings is no name either."""
    query = r'{ span."gen_ai.x y".z = "{ span.no } \" |" && resource."a\"b" > -1.5e3 && span.a-b = `"` }'
    assert names_of(query).attributes == (("span", "gen_ai.x y.z"), ("resource", 'a"b'), ("span", "a-b"))


@pytest.mark.parametrize("trace", ["$trace", "${trace:raw}", "0af7651916cd43dd8448eb211c80319c"])
def test_a_trace_id_is_a_query(trace: str) -> None:
    """Where Grafana takes a trace's id, nothing is named."""
    assert names_of(trace) == Names((), (), (), ())


@pytest.mark.parametrize(
    "query",
    [
        "{ }",
        "{ true && !span.a }",
        "{ -span.a + 2 * 3 ^ 2 >= 1h30m && nil != span.b }",
        "({ span.a } | count() > 1) && { span.b = $value } | max(span.c * 2) <= ${limit}",
        "{ } !>> { kind = client } &~ { } !~ { status = unset }",
        "count() >= 2 | { span.a = maxInt }",
        "{ } | by(name) | coalesce()",
        "{ } | rate() by (resource.service.name) > 0.5 | bottomk(3) <= 10 with (sample=0.1, exemplars=true)",
        "{ } | compare({ status = error }, 10)",
        "{ } | histogram_over_time(span.a) by (span.b)",
    ],
)
def test_valid_queries_are_parsed(query: str) -> None:
    """What Tempo's documentation allows is not refused."""
    names_of(query)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("{ span.a = 1", "expected }, found its end"),
        ("{ (span.a = 1 }", "expected ), found '}' at 14"),
        ("{ span.a = 1 } }", "expected the end, or |, or an operator, found '}' at 15"),
        ('{ span.a = "x }', "nothing in TraceQL begins with '\"x }' (at 11)"),
        ("{ span.a == 1 }", "expected an attribute with its scope, an intrinsic or a value, found '=' at 10"),
        ("{ span.a = }", "expected an attribute with its scope, an intrinsic or a value, found '}' at 11"),
        ("{ span. = 1 }", "nothing in TraceQL begins with '. = 1 }' (at 6)"),
        ("{ a = 1 }", "expected an attribute with its scope, an intrinsic or a value, found 'a' at 2"),
        (
            "{ span:nme = 1 }",
            "expected an attribute with its scope, an intrinsic or a value, found 'span:nme'",
        ),
        (
            "{ status = broken }",
            "expected an attribute with its scope, an intrinsic or a value, found 'broken'",
        ),
        ("{ parent.a = 1 }", "Tempo 3.0 does not have parent.a"),
        ("{ } { }", "expected the end, or |, or an operator, found '{' at 4"),
        ("{ } |", "expected a set of spans or a function, found its end"),
        ("{ } | cuont() > 1", "expected a set of spans or a function, found 'cuont' at 6"),
        ("{ } | count()", "expected a comparison behind count(…), found its end"),
        ("{ } | count(span.a) > 1", "expected count() without arguments, found ')' at 18"),
        ("{ } | sum() > 1", "expected what sum is about, found ')' at 10"),
        ("{ } | sum(span.a) > ok", "expected a number or a duration, found 'ok' at 20"),
        ("{ } | rate() | count() > 1", "expected topk or bottomk, as behind a metric, found 'count' at 15"),
        ("{ } | topk(3)", "expected a set of spans or a function, found 'topk' at 6"),
        ("rate()", "expected a set of spans or a function, found 'rate' at 0"),
        (
            "{ } with (sampel=0.1)",
            "expected a hint (exemplars, most_recent, sample, span_sample, trace_sample)",
        ),
        ("({ } | rate()) / ({ } | rate())", "Tempo 3.0 has no arithmetic between metrics"),
    ],
)
def test_wrong_queries_are_refused(query: str, why: str) -> None:
    """What Tempo 3.0 would refuse raises an error that quotes the query and says what is wrong where."""
    with pytest.raises(TraceqlError) as raised:
        names_of(query)
    assert str(raised.value).startswith(f"{query!r}: {why}")


def test_unknown_names_are_told() -> None:
    """Names of MAPPING.md, its patterns and resource names are known in their scopes, and nothing else is."""
    query = """{ span.gen_ai.request.model = "a" && event.crewai.frame.id != nil
      && span.otelstream.chunks.text > 1
      && .service.name = "b" && resource.service.name = "b" && span.otelstream.anomalies.left_open > 0
      && span.otelstream.chunkz.text > 1 && span.otelstream.anomalies. > 0 && span.service.name = "b"
      && .gen_ai.request.modell = "a" && resource.gen_ai.request.model = "a" && instrumentation.x = 1 }"""
    assert unknown_names(query) == [
        "span.otelstream.chunkz.text",
        "span.otelstream.anomalies.",
        "span.service.name",
        ".gen_ai.request.modell",
        "resource.gen_ai.request.model",
        "instrumentation.x",
    ]
