"""Parameters of the process, from variables that a person may have misspelt."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from otelstream.config import Settings

DEFAULTS = {
    "chunk_events": "coalesced",
    "internal_flows": "collapse",
    "batch_ms": 100,
    "batch_frames": 1_000,
    "queue_mb": 256,
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
