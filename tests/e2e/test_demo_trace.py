"""The demo as a person runs it, over both OTLP protocols to a real receiver; and its recording sent again."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.received import ReceivedSpan, outline, spans_of
from tests.e2e.receiver import PROTOCOLS, receiver_of, variables
from tests.e2e.runs import environment, run_python

pytestmark = pytest.mark.crewai

KEY = b"sk-demo-0123456789abcdef0123456789abcdef"

TREE = [
    "invoke_workflow DemoFlow",
    "  method research",
    "    invoke_workflow demo",
    "      task research",
    "        invoke_agent Researcher",
    "          chat scripted-small",
    "          execute_tool lookup_fact",
    "          chat scripted-small",
    "      task report",
    "        invoke_agent Writer",
    "          chat scripted-large",
    "          execute_tool count_words",
    "          chat scripted-large",
    "  method publish",
]


@dataclass
class Demo:
    """What one run of the demo left behind, and what its recording sent afterwards."""

    code: int
    out: bytes
    err: bytes
    files: list[str]
    spans: list[ReceivedSpan]
    places: dict[str, bytes] = field(default_factory=dict)
    again: list[ReceivedSpan] = field(default_factory=list)
    again_out: bytes = b""


@pytest.fixture(scope="module", params=PROTOCOLS)
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run the demo, and then export its recording to another receiver."""
    cwd = tmp_path_factory.mktemp("demo")
    with receiver_of(request.param) as live, receiver_of(request.param) as later:
        ran, wal = watched_run(cwd, variables(live))
        files = sorted(path.name for path in cwd.iterdir())
        sent = run_python(
            ["-m", "otelstream.cli", "export", "otlp", "x.duckdb"], cwd, variables(later), timeout_s=30
        )
        yield Demo(
            code=ran.returncode,
            out=ran.stdout,
            err=ran.stderr,
            files=files,
            spans=spans_of(live),
            places={
                "received bytes": b"".join(live.payloads),
                "standard output": ran.stdout,
                "standard error": ran.stderr,
                "recording": (cwd / "x.duckdb").read_bytes(),
                "write-ahead log": wal,
            },
            again=spans_of(later),
            again_out=sent.stdout + sent.stderr,
        )


def watched_run(cwd: Path, exporting: dict[str, str]) -> tuple[subprocess.CompletedProcess[bytes], bytes]:
    """Run the demo; return how it ended, and the longest state of its write-ahead log on the way."""
    wal, seen = cwd / "x.duckdb.wal", b""
    command = [sys.executable, "-m", "otelstream.cli", "demo", "--delay", "0", "--record", "x.duckdb"]
    with (
        (cwd.parent / f"{cwd.name}.out").open("w+b") as out,
        (cwd.parent / f"{cwd.name}.err").open("w+b") as err,
    ):
        process = subprocess.Popen(command, cwd=cwd, env=environment(exporting), stdout=out, stderr=err)
        while process.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                seen = max(seen, wal.read_bytes(), key=len)
            time.sleep(0.005)
        texts = [os.pread(file.fileno(), 1_000_000, 0) for file in (out, err)]
    return subprocess.CompletedProcess(command, process.returncode, *texts), seen


def test_the_demo_succeeds(demo: Demo) -> None:
    """It exits with 0 and has nothing to complain about."""
    assert (demo.code, demo.err) == (0, b"")


def test_it_says_which_trace_it_sent(demo: Demo) -> None:
    """The trace id on the terminal is that of the received spans."""
    assert f"as trace {demo.spans[0].trace_id};".encode() in demo.out


def test_it_leaves_one_file(demo: Demo) -> None:
    """Nothing but the recording is left in the working directory."""
    assert demo.files == ["x.duckdb"]


def test_all_spans_are_one_trace(demo: Demo) -> None:
    """Every span carries the same trace id."""
    assert len({span.trace_id for span in demo.spans}) == 1


def test_the_trace_has_one_root(demo: Demo) -> None:
    """Exactly one span has no parent."""
    assert [span.name for span in demo.spans if not span.parent_span_id] == ["invoke_workflow DemoFlow"]


def test_every_parent_was_received(demo: Demo) -> None:
    """No span hangs beneath one that is missing."""
    ids = {span.span_id for span in demo.spans}

    assert {span.parent_span_id for span in demo.spans} - ids == {""}


def test_every_link_target_was_received(demo: Demo) -> None:
    """No link points out of the trace."""
    ids = {(span.trace_id, span.span_id) for span in demo.spans}

    assert {(link.trace_id, link.span_id) for span in demo.spans for link in span.links} - ids == set()


def test_span_ids_are_distinct(demo: Demo) -> None:
    """No two spans share an id, although ids are derived."""
    assert len({span.span_id for span in demo.spans}) == len(demo.spans)


def test_the_method_that_was_triggered_links_to_its_trigger(demo: Demo) -> None:
    """`publish` ran because `research` finished, and its link says so."""
    named = {span.name: span for span in demo.spans}

    assert [link.span_id for link in named["method publish"].links] == [named["method research"].span_id]


def test_the_agent_executor_is_no_span(demo: Demo) -> None:
    """CrewAI's own flow appears neither as a name nor as an attribute of a span."""
    assert [span for span in demo.spans if "AgentExecutor" in f"{span.name} {span.attributes}"] == []


def test_the_tree_is_that_of_the_run(demo: Demo) -> None:
    """Flow, method, crew, task, agent, and beneath each agent its model and tool calls in their order."""
    assert outline(demo.spans) == TREE


def test_only_model_calls_leave_the_process(demo: Demo) -> None:
    """Chat spans are of kind CLIENT, all others INTERNAL."""
    assert {(span.name.split()[0], span.kind) for span in demo.spans} == {
        ("invoke_workflow", "INTERNAL"),
        ("method", "INTERNAL"),
        ("task", "INTERNAL"),
        ("invoke_agent", "INTERNAL"),
        ("chat", "CLIENT"),
        ("execute_tool", "INTERNAL"),
    }


def test_model_calls_count_what_came_out(demo: Demo) -> None:
    """Every chat span says how many tokens its model answered."""
    counts = [span.attributes["gen_ai.usage.output_tokens"] for span in demo.spans if span.kind == "CLIENT"]

    assert counts == [7, 22, 27, 24]


def test_model_calls_count_what_went_in(demo: Demo) -> None:
    """Every chat span says how many tokens its prompt had; CrewAI's wording decides how many."""
    counts = [span.attributes["gen_ai.usage.input_tokens"] for span in demo.spans if span.kind == "CLIENT"]

    assert [isinstance(count, int) and count > 0 for count in counts] == [True] * 4


def test_children_lie_within_their_parents(demo: Demo) -> None:
    """No span starts before its parent or ends after it."""
    by_id = {span.span_id: span for span in demo.spans}
    outside = [
        span.name
        for span in demo.spans
        if (parent := by_id.get(span.parent_span_id))
        and not parent.start_ns <= span.start_ns <= span.end_ns <= parent.end_ns
    ]

    assert outside == []


@pytest.mark.parametrize(
    "place", ["received bytes", "standard output", "standard error", "recording", "write-ahead log"]
)
def test_the_key_goes_nowhere(demo: Demo, place: str) -> None:
    """The API key in the demo's frames reaches no byte that leaves the process."""
    assert KEY not in demo.places[place]


def test_the_write_ahead_log_was_seen(demo: Demo) -> None:
    """The search of the log above had something to search."""
    assert len(demo.places["write-ahead log"]) > 1_000


def test_the_recording_sends_the_same_trace(demo: Demo) -> None:
    """Exporting the recording gives every span again with all that a span has, ids and times included."""
    assert demo.again == demo.spans


def test_the_export_says_what_it_sent(demo: Demo) -> None:
    """The command prints the number of spans and the trace id of the live run."""
    assert demo.again_out == f"14 spans exported, trace {demo.spans[0].trace_id}\n".encode()
