"""Parameters of the process, from variables that a person may have misspelt."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from otelstream.config import Settings
from otelstream.span.options import SpanOptions

CAPTURE_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

DEFAULTS = {
    "chunk_events": "coalesced",
    "internal_flows": "collapse",
    "content": "NO_CONTENT",
    "content_form": "structured",
    "events": "span",
    "pending_spans": False,
    "pending_after_ms": 5_000,
    "stall_ms": 2_000,
    "semconv": "1.41",
    "attribute_bytes": 2_048,
    "content_bytes": 65_536,
    "span_events": 20_000,
    "span_bytes": 3_000_000,
    "trace_bytes": 4_500_000,
    "rows": None,
    "batch_ms": 100,
    "batch_frames": 1_000,
    "queue_mb": 256,
    "queue_policy": "drop",
    "block_ms": 1_000,
    "rotate_mb": 512,
    "rotate_minutes": 60,
    "flush_on_sigterm": True,
    "flush_timeout_ms": 5_000,
}


def test_without_variables_the_defaults_hold() -> None:
    """This is what a process does unless it is told otherwise."""
    settings, problems = Settings.from_environ({"HOME": "/root"})

    assert (settings.model_dump(), problems) == (DEFAULTS, [])


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("chunk_events", "all", "all"),
        ("chunk_events", "off", "off"),
        ("internal_flows", "keep", "keep"),
        ("content_form", "json", "json"),
        ("events", "log", "log"),
        ("events", "both", "both"),
        ("pending_spans", "true", True),
        ("pending_spans", "1", True),
        ("pending_spans", "off", False),
        ("pending_after_ms", "0", 0),
        ("stall_ms", "500", 500),
        ("semconv", "main", "main"),
        ("attribute_bytes", "64", 64),
        ("content_bytes", "100000", 100_000),
        ("span_events", "128", 128),
        ("span_bytes", "10000", 10_000),
        ("trace_bytes", "50000", 50_000),
        ("rows", "app.tracing:ROWS", "app.tracing:ROWS"),
        ("batch_ms", "1", 1),
        ("batch_frames", "10", 10),
        ("queue_mb", "1", 1),
        ("flush_timeout_ms", "0", 0),
    ],
)
def test_a_variable_sets_its_parameter(name: str, text: str, value: object) -> None:
    """`OTELSTREAM_<NAME>` is the parameter, and no other changes."""
    settings, problems = Settings.from_environ({f"OTELSTREAM_{name.upper()}": text})

    assert (settings.model_dump(), problems) == ({**DEFAULTS, name: value}, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO_CONTENT", "NO_CONTENT"),
        ("SPAN_ONLY", "SPAN_ONLY"),
        ("EVENT_ONLY", "EVENT_ONLY"),
        ("SPAN_AND_EVENT", "SPAN_AND_EVENT"),
        ("span_only", "SPAN_ONLY"),
        ("Span_And_Event", "SPAN_AND_EVENT"),
        ("  EVENT_ONLY ", "EVENT_ONLY"),
        ("", "NO_CONTENT"),
        ("   ", "NO_CONTENT"),
    ],
)
def test_content_has_the_variable_of_the_conventions(text: str, value: str) -> None:
    """Case and spaces around it do not matter; empty means not set."""
    settings, problems = Settings.from_environ({CAPTURE_CONTENT: text})

    assert (settings.model_dump(), problems) == ({**DEFAULTS, "content": value}, [])


@pytest.mark.parametrize("text", ["true", "True", "1", "yes", "SPAN"])
def test_content_is_not_captured_for_a_word_of_older_conventions(text: str) -> None:
    """Whoever writes `true` is told the four words, and nothing is captured until one is chosen."""
    settings, problems = Settings.from_environ({CAPTURE_CONTENT: text})

    assert (settings.content, problems) == (
        "NO_CONTENT",
        [
            f"{CAPTURE_CONTENT}={text} cannot be used (Input should be 'NO_CONTENT', 'SPAN_ONLY',"
            " 'EVENT_ONLY' or 'SPAN_AND_EVENT'); the default NO_CONTENT is."
        ],
    )


def test_content_has_no_second_variable() -> None:
    """`OTELSTREAM_CONTENT` is none of ours: one switch decides about prompts."""
    assert Settings.from_environ({"OTELSTREAM_CONTENT": "SPAN_ONLY"})[0].content == "NO_CONTENT"


@pytest.mark.parametrize("name", list(DEFAULTS))
def test_an_empty_variable_is_none(name: str) -> None:
    """As everywhere in OpenTelemetry, empty means not set."""
    assert Settings.from_environ({f"OTELSTREAM_{name.upper()}": ""})[1] == []


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        (
            {"OTELSTREAM_CHUNK_EVENTS": "nonsense"},
            "OTELSTREAM_CHUNK_EVENTS=nonsense cannot be used (Input should be 'coalesced', 'all' or 'off');"
            " the default coalesced is.",
        ),
        (
            {"OTELSTREAM_BATCH_MS": "0"},
            "OTELSTREAM_BATCH_MS=0 cannot be used (Input should be greater than or equal to 1);"
            " the default 100 is.",
        ),
        (
            {"OTELSTREAM_EVENTS": "logs"},
            "OTELSTREAM_EVENTS=logs cannot be used (Input should be 'span', 'log' or 'both');"
            " the default span is.",
        ),
        (
            {"OTELSTREAM_SEMCONV": "1.42"},
            "OTELSTREAM_SEMCONV=1.42 cannot be used (Input should be '1.41' or 'main'); the default 1.41 is.",
        ),
        (
            {"OTELSTREAM_SPAN_BYTES": "10"},
            "OTELSTREAM_SPAN_BYTES=10 cannot be used (Input should be greater than or equal to 10000);"
            " the default 3000000 is.",
        ),
        (
            {"OTELSTREAM_QUEUE_MB": "much"},
            "OTELSTREAM_QUEUE_MB=much cannot be used (Input should be a valid integer, unable to parse string"
            " as an integer); the default 256 is.",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_told(environ: Mapping[str, str], problem: str) -> None:
    """The sentence names variable, value and default, and the default holds."""
    settings, problems = Settings.from_environ(environ)

    assert (settings.model_dump(), problems) == (DEFAULTS, [problem])


def test_one_wrong_value_leaves_the_others() -> None:
    """What can be used is used."""
    settings, problems = Settings.from_environ({"OTELSTREAM_BATCH_MS": "soon", "OTELSTREAM_QUEUE_MB": "8"})

    assert (settings.model_dump(), len(problems)) == ({**DEFAULTS, "queue_mb": 8}, 1)


def test_settings_cannot_be_changed() -> None:
    """They are those of the process, from its beginning to its end."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().queue_mb = 1


def test_span_options_say_what_the_settings_say() -> None:
    """Every parameter about spans arrives where the assembler and the sinks read it."""
    environ = {
        "OTELSTREAM_CHUNK_EVENTS": "all",
        "OTELSTREAM_INTERNAL_FLOWS": "keep",
        CAPTURE_CONTENT: "span_only",
        "OTELSTREAM_CONTENT_FORM": "json",
        "OTELSTREAM_EVENTS": "both",
        "OTELSTREAM_PENDING_SPANS": "true",
        "OTELSTREAM_PENDING_AFTER_MS": "1",
        "OTELSTREAM_STALL_MS": "2",
        "OTELSTREAM_SEMCONV": "main",
        "OTELSTREAM_ATTRIBUTE_BYTES": "100",
        "OTELSTREAM_CONTENT_BYTES": "200",
        "OTELSTREAM_SPAN_EVENTS": "128",
        "OTELSTREAM_SPAN_BYTES": "30000",
        "OTELSTREAM_TRACE_BYTES": "40000",
    }

    assert Settings.from_environ(environ)[0].span_options() == SpanOptions(
        chunk_events="all",
        collapse_internal_flows=False,
        content="SPAN_ONLY",
        content_form="json",
        events="both",
        pending_spans=True,
        pending_after_ms=1,
        stall_ms=2,
        semconv="main",
        attribute_bytes=100,
        content_bytes=200,
        span_events=128,
        span_bytes=30_000,
        trace_bytes=40_000,
    )


def test_the_defaults_of_both_are_the_same() -> None:
    """`observe(spans=SpanOptions())` is what a process does without variables."""
    assert Settings().span_options() == SpanOptions()
