"""`otelstream export`: the spans of a recording to a collector, or its frames as NDJSON."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.testing import Script
from tests.e2e.received import root_of, spans_of
from tests.e2e.receiver import PROTOCOLS, GrpcReceiver, HttpReceiver, receiver_of, variables
from tests.e2e.runs import golden, run_python, session
from tests.otelstream.cli.conftest import Cli, Ended, Recordings
from tests.otelstream.cli.directories import of_two

CLOSED = "http://127.0.0.1:1"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_spans_arrive(
    cli: Cli, protocol: str, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number and the trace printed are those of the spans that the collector got."""
    with receiver_of(protocol) as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        ended = cli("export", "otlp", recordings.completed)
        spans = spans_of(receiver)

    assert (ended, len(spans)) == (Ended(0, f"6 spans exported, trace {spans[0].trace_id}\n", ""), 6)


def test_the_endpoint_can_be_given(cli: Cli, recordings: Recordings, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--endpoint` beats the variable."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", CLOSED)
    with HttpReceiver() as receiver:
        cli("export", "otlp", recordings.completed, "--endpoint", receiver.endpoint)

    assert receiver.paths == ["/v1/traces"]


def test_a_grpc_endpoint_may_be_host_and_port(
    cli: Cli, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For gRPC `host:port` is enough, as it says."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    with GrpcReceiver() as receiver:
        ended = cli(
            "export", "otlp", recordings.completed, "--endpoint", receiver.endpoint.removeprefix("http://")
        )

    assert ended.code == 0


def test_an_older_session_can_be_chosen(cli: Cli, recordings: Recordings) -> None:
    """`--session` says which run to send; by default it is the last."""
    with HttpReceiver() as receiver:
        cli("export", "otlp", recordings.both, "-s", "0", "--endpoint", receiver.endpoint)
        root = root_of(spans_of(receiver))

    assert root.attributes["otelstream.end"] == "completed"


def test_the_root_names_the_recording(cli: Cli, recordings: Recordings) -> None:
    """From the trace a person finds the file and the session to replay."""
    with HttpReceiver() as receiver:
        cli("export", "otlp", recordings.completed, "--endpoint", receiver.endpoint)
        root = root_of(spans_of(receiver))
    with recorder.open(recordings.completed) as recording:
        session_id = recording.session().id

    assert (
        root.attributes["otelstream.recording.file"],
        root.attributes["otelstream.recording.session_id"],
    ) == (
        str(recordings.completed),
        session_id,
    )


def test_a_recording_that_was_not_masked_is_masked_on_its_way(cli: Cli, tmp_path: Path) -> None:
    """Secrets in the file stay in the file, unless `--no-redact` says otherwise."""
    leaky = [
        frame.model_copy(update={"data": {**frame.data, "hint": "token=tea-4711-kettle"}})
        for frame in golden()
    ]
    list(otelstream.observe(session(leaky), record=tmp_path / "x.duckdb", redact=False))
    sent = []
    for options in ([], ["--no-redact"]):
        with HttpReceiver() as receiver:
            cli("export", "otlp", "x.duckdb", "--endpoint", receiver.endpoint, *options)
        sent.append(b"tea-4711-kettle" in b"".join(receiver.payloads))

    assert sent == [False, True]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collector_that_is_not_there_is_one_sentence(
    protocol: str, recordings: Recordings, tmp_path: Path
) -> None:
    """Nothing else is said, not even by the exporter; the exit code is 1."""
    ran = run_python(
        ["-m", "otelstream.cli", "export", "otlp", str(recordings.completed), "--endpoint", CLOSED],
        tmp_path,
        {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"},
    )

    assert (ran.returncode, ran.stdout.decode(), ran.stderr.decode()) == (
        1,
        "",
        f"otelstream: 6 of 6 spans could not be delivered to {CLOSED}; check that a collector listens there,"
        " that the protocol is right, and that it gets the headers that it asks for"
        " (OTEL_EXPORTER_OTLP_HEADERS).\n",
    )


def test_a_collector_that_refuses_is_one_sentence(cli: Cli, recordings: Recordings) -> None:
    """An answer that is an error counts as not delivered."""
    with HttpReceiver() as receiver:
        receiver.status = 400
        ended = cli("export", "otlp", recordings.completed, "--endpoint", receiver.endpoint)

    assert (ended.code, ended.err.count("\n"), ended.err[:23]) == (1, 1, "otelstream: 6 of 6 span")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "nonsense"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),
    ],
)
def test_a_variable_that_cannot_be_used_is_one_sentence(
    cli: Cli, name: str, value: str, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the variable and its value."""
    monkeypatch.setenv(name, value)
    ended = cli("export", "otlp", recordings.completed, "--endpoint", CLOSED)

    assert (ended.code in (1, 2), ended.err.count("\n"), name in ended.err, value in ended.err) == (
        True,
        1,
        True,
        True,
    )


def test_an_endpoint_that_is_none_is_one_sentence(cli: Cli, recordings: Recordings) -> None:
    """The sentence quotes the endpoint."""
    ended = cli("export", "otlp", recordings.completed, "--endpoint", "http://[bad")

    assert (ended.code in (1, 2), ended.err.count("\n"), "http://[bad" in ended.err) == (True, 1, True)


def test_jsonl_is_what_cat_prints(cli: Cli, recordings: Recordings) -> None:
    """Without a file the lines go to standard output."""
    assert cli("export", "jsonl", recordings.completed) == cli("cat", recordings.completed)


def test_jsonl_of_a_session_in_a_directory(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """What takes a file takes a directory, too."""
    runs = of_two(recordings, tmp_path / "runs")

    assert cli("export", "jsonl", runs, "-s", "0") == cli("export", "jsonl", recordings.completed)


def test_a_file_of_a_directory_is_not_overwritten(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """None of the recordings that are read is a place for the output."""
    runs = of_two(recordings, tmp_path / "runs")
    ended = cli("export", "jsonl", runs, "-s", "0", "-o", runs / "b.duckdb")

    assert (ended.code, ended.err) == (
        1,
        f"otelstream: {runs / 'b.duckdb'} is the recording itself; choose another path.\n",
    )


def test_jsonl_can_go_to_a_file(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """With `--output` the lines are in the file, and nothing is printed."""
    ended = cli("export", "jsonl", recordings.completed, "--output", "x.jsonl")

    assert (ended, (tmp_path / "x.jsonl").read_text()) == (
        Ended(0, "", ""),
        cli("cat", recordings.completed).out,
    )


@pytest.mark.parametrize("output", ["missing/x.jsonl", ".", "/dev/full"])
def test_a_file_that_cannot_be_written_is_one_sentence(cli: Cli, output: str, recordings: Recordings) -> None:
    """The sentence says which file, and why."""
    ended = cli("export", "jsonl", recordings.completed, "-o", output)

    assert (
        ended.code,
        ended.out,
        ended.err.count("\n"),
        ended.err.startswith(f"otelstream: {output} cannot be"),
    ) == (
        1,
        "",
        1,
        True,
    )


def test_a_recording_is_not_overwritten_by_its_own_frames(
    cli: Cli, recordings: Recordings, tmp_path: Path
) -> None:
    """`--output` must not be the recording itself."""
    (tmp_path / "x.duckdb").write_bytes(recordings.completed.read_bytes())
    cli("export", "jsonl", "x.duckdb", "-o", "x.duckdb")

    assert (tmp_path / "x.duckdb").read_bytes() == recordings.completed.read_bytes()


def test_exporting_does_not_change_the_recording(cli: Cli, recordings: Recordings) -> None:
    """A recording is only read."""
    before = os.stat(recordings.completed), recordings.completed.read_bytes()
    cli("export", "jsonl", recordings.completed)

    assert (os.stat(recordings.completed).st_mtime_ns, recordings.completed.read_bytes()) == (
        before[0].st_mtime_ns,
        before[1],
    )


def test_heavy_spans_are_cut_into_requests(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans of seven megabytes go out in requests that a gRPC receiver takes."""
    script = Script()
    script.start("flow_started", flow_name="Heavy")
    for number in range(60):
        messages = [{"role": "user", "content": "x" * 60_000}] * 2
        script.start("llm_call_started", call_id=f"c{number}", model="m", messages=messages)
        script.end("llm_call_completed", call_id=f"c{number}", response="fine")
    script.end("flow_finished", flow_name="Heavy")
    list(otelstream.observe(session(script.frames), record=tmp_path / "heavy.duckdb", redact=False))
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    monkeypatch.setenv("OTELSTREAM_TRACE_BYTES", "100000000")
    with GrpcReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        ended = cli("export", "otlp", tmp_path / "heavy.duckdb", "--no-redact")

    assert (ended.code, len(spans_of(receiver)), sum(map(len, receiver.payloads)) > 7_000_000) == (
        0,
        61,
        True,
    )


def test_events_are_on_the_spans_whatever_the_live_run_did(
    cli: Cli, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A re-export sends spans only, so with `OTELSTREAM_EVENTS=log` no event is lost."""
    monkeypatch.setenv("OTELSTREAM_EVENTS", "log")
    with HttpReceiver() as receiver:
        cli("export", "otlp", recordings.completed, "--endpoint", receiver.endpoint)

    assert sum(len(span.events) for span in spans_of(receiver)) > 0
