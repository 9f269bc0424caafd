"""What the fixture `recording` gives a test, beside wrapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.reader import open_recording
from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("session()", "old2"),
        ("session(0)", "old0"),
        ("session(-2)", "old1"),
        ("session(recorder.open(recording).sessions()[1].id)", "old1"),
        ("session(0, rate=0.0)", "old0"),
    ],
)
def test_session(suite: Suite, call: str, text: str) -> None:
    """A recorded session is had by its number, by its id or as the last one; options go on to the replay."""
    suite.write(test_a=f"def test_one(recording): assert see(recording.{call}) == 'done'")
    suite.hold("test_one.jsonl", ["old0", "old1", "old2"])
    suite.run().assert_outcomes(passed=1)
    assert suite.seen == [text]


def test_asession(suite: Suite) -> None:
    """The same session is had for `async for`."""
    suite.write(
        test_a="""
def test_one(recording):
    async def read():
        return [each.data["chunk"] async for each in recording.asession(0)]
    assert asyncio.run(read()) == ["old0"]
"""
    )
    suite.hold("test_one.jsonl", ["old0", "old1"])
    suite.run().assert_outcomes(passed=1)


def test_frames(suite: Suite) -> None:
    """The frames are those of the last session, the same as its replay gives."""
    suite.write(
        test_a="""
def test_one(recording):
    assert [each.data["chunk"] for each in recording.frames] == ["old1"]
    assert recording.frames == list(recording.session())
"""
    )
    suite.hold("test_one.jsonl", ["old0", "old1"])
    suite.run().assert_outcomes(passed=1)


def test_a_run_that_failed(suite: Suite) -> None:
    """A recorded failure is raised where the run failed, and its frames are there all the same."""
    suite.write(
        test_a="""
def test_one(recording):
    with pytest.raises(ValueError, match="boom"):
        see(recording.wrap(live("new", error=ValueError("boom"))))
    assert [each.data["chunk"] for each in recording.frames] == ["new"]
"""
    )
    suite.run("--recording-mode=once").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    assert suite.ran == ["new"]


def test_a_recording_is_there_while_it_is_made(suite: Suite) -> None:
    """A test that records can look at what it has recorded so far."""
    suite.write(
        test_a="""
def test_one(recording):
    see(recording.wrap(live("new")))
    assert [each.data["chunk"] for each in recording.frames] == ["new"]
    assert not Path("recordings/test_a/test_one.jsonl").exists()
"""
    )
    suite.run("--recording-mode=once").assert_outcomes(passed=1)


def test_databases(suite: Suite) -> None:
    """A name that ends in `.duckdb` makes a database, which every mode can make and change."""
    suite.write(
        test_a="""
@pytest.mark.recording("data.duckdb")
def test_one(recording):
    see(recording.wrap(live("new0")))
    see(recording.wrap(live("new1")))
"""
    )
    suite.run("--recording-mode=once").assert_outcomes(passed=1)
    suite.run("--recording-mode=none").assert_outcomes(passed=1)
    assert (suite.ran, suite.held("data.duckdb")) == (["new0", "new1"], ["new0", "new1"])


@pytest.mark.parametrize(
    ("mode", "held"),
    [
        ("new_episodes", ["old0", "new1"]),
        ("all", ["new0", "new1", "old2"]),
        ("rewrite", ["new0", "new1"]),
    ],
)
def test_databases_are_changed(suite: Suite, mode: str, held: list[str]) -> None:
    """Each mode leaves in a database what it leaves in a text."""
    suite.write(
        test_a="""
@pytest.mark.recording("data.duckdb")
def test_one(recording):
    see(recording.wrap(live("new0")))
    see(recording.wrap(live("new1")))
"""
    )
    suite.hold("data.duckdb", ["old0"] if mode == "new_episodes" else ["old0", "old1", "old2"])
    suite.run(f"--recording-mode={mode}").assert_outcomes(passed=1)
    assert (suite.held("data.duckdb"), suite.files()) == (held, ["test_a/data.duckdb"])


def test_threads(suite: Suite) -> None:
    """Sessions that are wrapped in several threads at once are all recorded."""
    suite.write(
        test_a="""
from concurrent.futures import ThreadPoolExecutor

def test_one(recording):
    def run(number):
        return see(recording.wrap(live(f"new{number}")))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(8))) == ["done"] * 8
"""
    )
    suite.run("--recording-mode=once").assert_outcomes(passed=1)
    assert sorted(suite.held("test_one.jsonl")) == [f"new{number}" for number in range(8)]


SECRET = "sk-proj-0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("marker", "config", "expected"),
    [
        ("", "{}", "REDACTED"),
        ("redact=False", "{}", SECRET),
        ("", "{'redact': False}", SECRET),
        ("redact=True", "{'redact': False}", "REDACTED"),
        ("", "{'redact': str.upper}", "REDACTED"),
        ("", "recorder.cassettes.RecordingConfig(redact=False)", SECRET),
    ],
)
def test_secrets(suite: Suite, marker: str, config: str, expected: str) -> None:
    """Secrets are masked in what is recorded, not in what the test reads, unless they shall be kept."""
    suite.write(
        test_a=f"""
import recorder.cassettes

@pytest.fixture
def recording_config():
    return {config}

@pytest.mark.recording({marker})
def test_one(recording):
    see(recording.wrap(live("{SECRET}")))
"""
    )
    suite.run("--recording-mode=once").assert_outcomes(passed=1)
    assert (suite.seen, suite.held("test_one.jsonl")) == ([SECRET], [expected])


@pytest.mark.parametrize(("config", "exported"), [("{}", 0), ("{'export': True}", 1)])
def test_nothing_is_exported(suite: Suite, config: str, exported: int) -> None:
    """What tests record reaches no collector, though the program has a tracer provider, unless wanted."""
    suite.write(
        test_a=f"""
@pytest.fixture
def recording_config():
    return {config}

def test_one(recording, monkeypatch):
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    see(recording.wrap(live("new")))
    assert len(exporter.get_finished_spans()) == {exported}
"""
    )
    suite.run("--recording-mode=once").assert_outcomes(passed=1)


@pytest.mark.parametrize("name", ["data.jsonl", "data.duckdb"])
def test_this_machine_is_not_named(suite: Suite, name: str) -> None:
    """What a test records says neither on which machine nor in which process and folder that was."""
    suite.write(
        test_a=f"""
@pytest.mark.recording("{name}")
def test_one(recording):
    see(recording.wrap(live("old")))
    see(recording.wrap(live("new")))
"""
    )
    before = _origins(suite.hold(name, ["old"]))
    suite.run("--recording-mode=new_episodes").assert_outcomes(passed=1)
    assert _origins(suite.path(name)) == [*before, (name, "", 0)]


def _origins(path: Path) -> list[tuple[str, str, int]]:
    with open_recording(path) as recording:
        starts = [session.start for session in recording.sessions()]
    return [(start.recorded_as, start.host, start.pid) for start in starts]
