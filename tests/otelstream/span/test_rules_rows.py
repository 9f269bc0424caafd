"""Rows of a user's own: start and end types that become spans like those of the runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from otelstream.span.model import Anomaly, Operation, SpanError
from otelstream.span.options import SpanOptions
from otelstream.span.rules import AGENT, RULES, Kind, Pair, Role, Rule, with_rows
from otelstream.span.tree import SpanNode, tree_of
from otelstream.testing import Script, assembled

Outline = Callable[[Sequence[Operation]], list[str]]

JOB = Kind(
    "job",
    "job",
    named_by="my.job.name",
    client=True,
    at_start={"my.job.name": "name", "my.job.size": "size"},
    at_end={"my.job.rows": "rows"},
)
JOBS = Pair(JOB, "my_job_started", ("my_job_completed",), ("my_job_failed",))
BESIDE = Pair(
    Kind("upload", "upload"), "up_started", ("up_done",), key="file", encloses=False, fails_if=("ok", False)
)
OPTIONS = SpanOptions(rows=(JOBS, BESIDE))


def nodes_of(script: Script) -> dict[str, SpanNode]:
    """The spans of a session with these rows, by their names."""
    root = tree_of(assembled(script.frames, options=OPTIONS))
    assert root is not None
    return {node.started.name: node for node in root.walk()}


def test_a_row_opens_and_closes_a_span() -> None:
    """It has the kind's name and attributes, and encloses what comes between."""
    script = Script()
    script.start("flow_started")
    script.start("my_job_started", name="load", size=3, secret="x")
    script.emit("tick")
    script.end("my_job_completed", rows=7, secret="x")
    script.end("flow_finished")
    job = nodes_of(script)["job load"]
    assert (job.started.client, job.duration_ns, job.error) == (True, 2_000_000, None)
    assert [event.name for event in job.events] == ["tick"]
    assert job.attributes == {
        "my.job.name": "load",
        "my.job.size": 3,
        "my.job.rows": 7,
        "crewai.frame.id": "f1",
        "crewai.frame.type": "my_job_started",
        "crewai.frame.seq": 2,
    }


def test_a_row_may_be_the_root() -> None:
    """A session may begin with a type of a user's own."""
    script = Script()
    script.start("my_job_started", name="load")
    script.end("my_job_completed")
    assert list(nodes_of(script)) == ["job load"]


def test_a_failing_type_is_an_error() -> None:
    """What the frame says of it is its message."""
    script = Script()
    script.start("my_job_started")
    script.end("my_job_failed", error="no", error_type="ValueError")
    assert nodes_of(script)["job"].error == SpanError("ValueError", "no")


@pytest.mark.parametrize(
    ("ok", "error"), [(True, None), (False, SpanError("_OTHER", "failed")), (None, None)]
)
def test_a_field_may_say_that_it_failed(ok: bool | None, error: SpanError | None) -> None:
    """Where no type tells a failure, a field of the end does."""
    script = Script()
    script.start("flow_started")
    script.emit("up_started", file="a")
    script.emit("up_done", file="a", ok=ok)
    assert nodes_of(script)["upload"].error == error


def test_a_row_may_stand_beside_what_follows(outline: Outline) -> None:
    """Of a pair that does not enclose, ends find their starts by the key, in any order."""
    script = Script()
    script.start("flow_started", flow_name="F")
    script.emit("up_started", file="a")
    script.emit("up_started", file="b")
    script.start("method_execution_started", method_name="m")
    script.emit("up_done", file="a")
    script.end("method_execution_finished")
    script.emit("up_done", file="b")
    script.end("flow_finished")
    operations = assembled(script.frames, options=OPTIONS)
    assert outline(operations) == ["invoke_workflow F", "  upload", "  upload", "  method m"]
    assert [one for one in operations if isinstance(one, Anomaly)] == []


@pytest.mark.parametrize("name", ["", None, 5.5, ["x"], "é" * 500])
def test_a_name_is_a_label_or_nothing(name: object) -> None:
    """A span's name follows the kind's word where the field holds a text or a number, up to a limit."""
    script = Script()
    script.start("my_job_started", name=name)
    found = next(iter(nodes_of(script)))
    assert found == (
        "job " + "é" * 124 if isinstance(name, str) and name else "job 5.5" if name == 5.5 else "job"
    )


def test_the_table_is_not_changed() -> None:
    """Rows are those of one session."""
    table = with_rows((JOBS,))
    assert (table["my_job_started"], "my_job_started" in RULES) == (Rule(Role.OPEN, JOBS), False)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            Pair(Kind("flow", "x"), "a", ("b",)),
            "the kind 'flow' is one of otelstream's own; give yours another id.",
        ),
        (
            Pair(Kind("session", "x"), "a", ("b",)),
            "the kind 'session' is one of otelstream's own; give yours another id.",
        ),
        (
            Pair(AGENT, "a", ("b",)),
            "the kind 'agent' is one of otelstream's own; give yours another id.",
        ),
        (
            Pair(JOB, "flow_started", ("b",)),
            "'flow_started' is in the table already; each type may stand in one row, once.",
        ),
        (
            Pair(JOB, "a", ("llm_stream_chunk",)),
            "'llm_stream_chunk' is in the table already; each type may stand in one row, once.",
        ),
        (Pair(JOB, "a", ("a",)), "'a' is in the table already; each type may stand in one row, once."),
        (
            Pair(JOB, "a", ("b",), ("b",)),
            "'b' is in the table already; each type may stand in one row, once.",
        ),
    ],
)
def test_a_row_that_does_not_fit_is_refused(row: Pair, sentence: str) -> None:
    """The message names the type or the kind, and what to do."""
    with pytest.raises(ValueError, match=r"own|already") as caught:
        with_rows((row,))
    assert str(caught.value) == sentence


def test_two_rows_do_not_share_a_type() -> None:
    """A type may stand in one row alone."""
    with pytest.raises(ValueError, match="'my_job_completed' is in the table already"):
        with_rows((JOBS, Pair(Kind("other", "other"), "other_started", ("my_job_completed",))))


def test_a_row_that_another_context_ended_is_over_everywhere(outline: Outline) -> None:
    """What follows in the context of its start is not in it any more: the runtime knows nothing of it."""
    script = Script()
    script.start("flow_started", flow_name="F")
    started = script.start("my_job_started", name="one")
    worker = script.fork()
    worker.end("my_job_completed")
    script.emit("llm_call_started", call_id="c", model="m")
    assert started.id == "f1"
    assert outline(assembled(script.frames, options=OPTIONS)) == [
        "invoke_workflow F",
        "  job one",
        "  chat m",
    ]


def test_a_branch_may_wait_while_another_streams() -> None:
    """However many chunks come in between, the next frame of a branch follows the one before it."""
    script = Script()
    script.start("flow_started", flow_name="F")
    waiting, streaming = script.fork(), script.fork()
    waiting.start("tool_usage_started", tool_name="slow")
    waiting.emit("tick")
    streaming.start("llm_call_started", call_id="c", model="m")
    for _ in range(12_000):
        streaming.emit("llm_stream_chunk", call_id="c", chunk="x")
    waiting.emit("tick")
    found = {one.name for one in assembled(script.frames) if isinstance(one, Anomaly)}
    assert found == {"left_open"}
