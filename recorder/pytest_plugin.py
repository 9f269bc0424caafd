"""The pytest plugin: options, the marker `recording`, the fixtures `recording` and `recording_config`.

It decides nothing; `recorder.cassettes` does. Loading it loads neither DuckDB nor OpenTelemetry nor CrewAI.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

from otelstream.errors import OtelstreamError, UsageError
from recorder.cassettes.config import RecordingConfig, config_of, redactor_for
from recorder.cassettes.items import id_of, marker_on, option, plan_of, wishes_of
from recorder.cassettes.marker import Marker
from recorder.cassettes.mode import MODES
from recorder.cassettes.reporting import UnusedRecordings
from recorder.cassettes.usage import Usage

if TYPE_CHECKING:
    from recorder.cassettes.cassette import Cassette
    from recorder.cassettes.take import Studio

S = TypeVar("S")

UNUSED: Final = ("ignore", "warn", "fail")

_usage: Final = pytest.StashKey[Usage]()
_cassette: Final = pytest.StashKey["Cassette"]()
_passed: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their twins in the configuration file."""
    group = parser.getgroup("otelstream", "recordings of stream sessions (otelstream)")
    for name, choices, metavar, text in (
        (
            "mode",
            MODES,
            None,
            "What becomes of wrapped sessions: {} (default: none; always none if CI is set).",
        ),
        ("dir", None, "DIR", "Folder for all recordings (default: `recordings` beside each test module)."),
        ("unused", UNUSED, None, "What to do about recordings that no test uses: {} (default: ignore)."),
    ):
        shown = text.format(", ".join(choices or ()))
        group.addoption(f"--recording-{name}", choices=choices, metavar=metavar, default=None, help=shown)
        parser.addini(f"recording_{name}", shown, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker, and look for unused recordings if somebody wants to know of them."""
    config.addinivalue_line(
        "markers",
        "recording(name=None, *, mode=None, redact=None, serve=None): the name of the recording that the"
        " fixture `recording` gives the test, how it is made, and what is served from it.",
    )
    for name, choices in (("recording_mode", MODES), ("recording_unused", UNUSED)):
        value = config.getini(name)
        if value and value not in choices:
            raise pytest.UsageError(f"{name} is {value!r}; it is one of {', '.join(choices)}.")
    config.stash[_usage] = Usage()
    if option(config, "unused") in ("warn", "fail"):
        config.pluginmanager.register(UnusedRecordings(config, config.stash[_usage]), "otelstream-unused")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which mode holds where somebody has asked for one."""
    wishes = wishes_of(config, Marker())
    if wishes.wanted == "none":
        return None
    if wishes.in_ci:
        return f"recordings: mode none, as CI is set; mode {wishes.wanted} is not used"
    return f"recordings: mode {wishes.mode}"


@pytest.fixture
def recording_config() -> RecordingConfig:
    """How sessions are recorded; override it to return a `RecordingConfig`, or a dict of its fields."""
    return RecordingConfig()


@pytest.fixture
def recording(request: pytest.FixtureRequest, recording_config: object) -> Iterator[Cassette]:
    """The recording of the test; see `recorder.cassettes.Cassette`."""
    from recorder.cassettes.cassette import Cassette

    try:
        config, marker = config_of(recording_config), marker_on(request.node)
    except UsageError as error:
        pytest.fail(str(error), pytrace=False)
    plan = plan_of(request.node, marker)
    cassette = Cassette(plan, _studio(config, marker), request.config.stash[_usage].note)
    request.node.stash[_cassette] = cassette
    request.node.stash[_passed] = False
    yield cassette
    del request.node.stash[_cassette]
    if problem := _problem_of(partial(cassette.close, keep=request.node.stash[_passed])):
        pytest.fail(problem, pytrace=False)


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Let a test that has passed fail after all if its recording is not whole, or differs."""
    if _cassette in item.stash and (problem := _problem_of(item.stash[_cassette].finish)):
        pytest.fail(problem, pytrace=False)  # it is about no line of the test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take note of tests that pass: what they recorded stays."""
    report = yield
    if call.when == "call" and report.passed and _cassette in item.stash:
        item.stash[_passed] = True
        item.config.stash[_usage].passed.add(id_of(item))
    return report


def _problem_of(step: Callable[[], None]) -> str | None:
    try:
        step()
    except (OtelstreamError, AssertionError) as error:
        return str(error)
    return None


def _studio(config: RecordingConfig, marker: Marker) -> Studio:
    from recorder.cassettes.take import Studio

    redact = config.redact if marker.redact is None else marker.redact

    def observe(live: S, record: Path, entry_point: str) -> S:
        import otelstream

        providers = {} if config.export else _no_providers()
        return otelstream.observe(live, record=record, entry_point=entry_point, redact=redact, **providers)

    def flush() -> bool:
        import otelstream

        return otelstream.flush()

    return Studio(observe, flush, redactor_for(redact))


def _no_providers() -> dict[str, Any]:
    from opentelemetry._logs import NoOpLoggerProvider
    from opentelemetry.metrics import NoOpMeterProvider
    from opentelemetry.trace import NoOpTracerProvider

    return {
        "tracer_provider": NoOpTracerProvider(),
        "meter_provider": NoOpMeterProvider(),
        "logger_provider": NoOpLoggerProvider(),
    }
