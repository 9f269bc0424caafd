"""Recordings that cannot be written, or no longer: the run goes on, and what is missing is counted."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelstream
import recorder
from otelstream.frame import StreamFrame
from tests.e2e.runs import RESULT, Ran, environment, golden, run_python, run_sync, session

HOLD = """
import sys
from pathlib import Path
from recorder.writer import Writer
writer = Writer(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""

FULL_DISK = """
import json, logging, resource, sys
from pathlib import Path
import otelstream, recorder
from tests.e2e.runs import golden, session

said = []
class Said(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.getLogger("otelstream").addHandler(Said())

# Python ignores SIGXFSZ, so a write beyond the limit fails as on a full disk.
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
big = [
    frame.model_copy(update={"data": {**frame.data, "n": [f"{n}-{i}" for i in range(1_000)]}})
    for n in range(30)
    for frame in golden()[:5]
]
observed = otelstream.observe(session(big), record=Path("x.duckdb"))
seen = list(observed)
otelstream.flush()
print(json.dumps({
    "same": all(a is b for a, b in zip(seen, big, strict=True)),
    "result": observed.result,
    "reasons": list(otelstream.losses()),
    "lost": otelstream.losses().get("recording", 0),
    "said": len(said),
    "emitted": len(big),
}))
"""


@dataclass(frozen=True)
class Taken:
    """What came of a run whose recording another process was writing."""

    path: Path
    ran: Ran
    losses: Mapping[str, int]
    said: list[str]


class Said(logging.Handler):
    """Keeps the log lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(record.getMessage())


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """A run whose recording another process is writing."""
    path = tmp_path_factory.mktemp("taken") / "x.duckdb"
    said, logger = Said(), logging.getLogger("otelstream")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        logger.addHandler(said)
        before = otelstream.losses()
        ran = run_sync({"record": path})
        logger.removeHandler(said)
        process.communicate(b"")
    otelstream.flush()
    lost = {
        reason: count - before.get(reason, 0)
        for reason, count in otelstream.losses().items()
        if count > before.get(reason, 0)
    }
    return Taken(path, ran, lost, said.lines)


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], Path]:
    """What a program reports that recorded beyond the space it had, and its recording."""
    cwd = tmp_path_factory.mktemp("full")
    ran = run_python(["-c", textwrap.dedent(FULL_DISK)], cwd)
    assert (ran.returncode, ran.stderr) == (0, b"")
    report: dict[str, object] = json.loads(ran.stdout)
    return report, cwd / "x.duckdb"


def test_a_recording_that_another_process_writes_changes_nothing(taken: Taken) -> None:
    """The run gets its frames and its result, whoever has the file."""
    assert taken.ran == Ran(golden(), RESULT)


def test_a_recording_that_another_process_writes_loses_no_frame(taken: Taken) -> None:
    """All frames of the run are recorded when the other process has ended."""
    with recorder.open(taken.path) as recording:
        kept = [recorded.frame_count for recorded in recording.sessions()]

    assert (taken.losses, kept) == ({}, [len(golden())])


def test_a_recording_that_another_process_writes_is_named_once(taken: Taken) -> None:
    """The one log line says which file is taken."""
    assert [f"{taken.path} is being written by another process" in line for line in taken.said] == [True]


def test_a_full_disk_changes_nothing(full_disk: tuple[dict[str, object], Path]) -> None:
    """The program gets its own frames and its result."""
    report, _ = full_disk

    assert (report["same"], report["result"]) == (True, RESULT)


def test_a_full_disk_is_counted_as_recording(full_disk: tuple[dict[str, object], Path]) -> None:
    """`losses()` names the recording, and nothing else."""
    report, _ = full_disk

    assert report["reasons"] == ["recording"]


def test_a_full_disk_leaves_a_readable_recording(full_disk: tuple[dict[str, object], Path]) -> None:
    """What was committed before opens again, as a session that was cut."""
    _, path = full_disk
    with recorder.open(path) as recording:
        states = [recorded.state for recorded in recording.sessions()]

    assert states in ([], ["crashed"])


def test_frames_kept_and_frames_lost_are_all_frames(full_disk: tuple[dict[str, object], Path]) -> None:
    """Every frame is in the file or counted as lost."""
    report, path = full_disk
    with recorder.open(path) as recording:
        kept = sum(recorded.frame_count for recorded in recording.sessions())

    assert kept + int(str(report["lost"])) == report["emitted"]


def test_a_full_disk_is_said_once(full_disk: tuple[dict[str, object], Path]) -> None:
    """One log line tells of it."""
    report, _ = full_disk

    assert report["said"] == 1


def with_name(name: str) -> list[StreamFrame]:
    """Return the golden frames of a flow of that name."""
    return [
        frame.model_copy(update={"data": {**frame.data, "flow_name": name}})
        if "flow_name" in frame.data
        else frame
        for frame in golden()
    ]


def test_an_undecodable_flow_name_is_recorded(tmp_path: Path) -> None:
    """A lone surrogate in the name of a session costs no frame of it."""
    list(otelstream.observe(session(with_name("F\udc80")), record=tmp_path / "x.duckdb"))

    assert otelstream.losses() == {}


def test_an_undecodable_error_is_recorded(tmp_path: Path) -> None:
    """A lone surrogate in the text of an exception (a file name, say) costs no frame of the session."""
    run_sync({"record": tmp_path / "x.duckdb"}, FileNotFoundError("no such file: caf\udce9.txt"))

    assert otelstream.losses() == {}


def test_an_undecodable_error_can_be_exported() -> None:
    """A lone surrogate in the text of an exception does not make the batch of spans unsendable."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    run_sync({"tracer_provider": provider}, FileNotFoundError("no such file: caf\udce9.txt"))

    assert encode_spans(exporter.get_finished_spans()).resource_spans


def test_a_session_that_cannot_be_recorded_spares_the_others(tmp_path: Path) -> None:
    """Of two sessions in one file, what is wrong with the first loses nothing of the second."""
    path = tmp_path / "x.duckdb"
    healthy = otelstream.observe(session(), record=path)
    frames = iter(healthy)
    next(frames)
    run_sync({"record": path}, FileNotFoundError("no such file: caf\udce9.txt"))
    list(frames)
    with recorder.open(path) as recording:
        kept = [recorded.frame_count for recorded in recording.sessions()]

    assert kept[0] == len(golden())


class UnspeakableError(Exception):
    """An exception of a program that cannot be turned into text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_an_error_without_a_text_still_ends_its_session(tmp_path: Path) -> None:
    """An exception whose `__str__` raises makes the session failed, as any other."""
    run_sync({"record": tmp_path / "x.duckdb"}, UnspeakableError())
    with recorder.open(tmp_path / "x.duckdb") as recording:
        state = recording.session().state

    assert state == "failed"


def test_an_error_without_a_text_still_ends_its_spans() -> None:
    """An exception whose `__str__` raises leaves no span open."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    run_sync({"tracer_provider": provider}, UnspeakableError())

    assert len(exporter.get_finished_spans()) == 6


def test_one_file_by_two_paths_is_one_recording(tmp_path: Path) -> None:
    """Sessions that name the same file in two ways share it."""
    first = otelstream.observe(session(), record=tmp_path / "x.duckdb")
    frames = iter(first)
    next(frames)
    otelstream.flush()
    run_sync({"record": tmp_path / "folder" / ".." / "x.duckdb"})
    list(frames)

    assert otelstream.losses() == {}


def test_a_vanished_working_directory_raises_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`observe` with a relative path works where the working directory was removed: the loss is counted."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert run_sync({"record": "x.duckdb"}) == Ran(golden(), RESULT)
