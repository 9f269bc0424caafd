"""Canaries planted wherever a secret can be: the program sees them, and nothing that leaves it has them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from otelstream.demo.environment import quiet_environment

quiet_environment()

from crewai import Agent, Crew, Task  # noqa: E402  after the settings
from crewai.events import crewai_event_bus  # noqa: E402  after the settings
from crewai.events.base_events import BaseEvent  # noqa: E402  after the settings
from crewai.flow.flow import Flow, listen, start  # noqa: E402  after the settings
from crewai.tools import tool  # noqa: E402  after the settings

import otelstream  # noqa: E402  after the settings
import recorder  # noqa: E402  after the settings
from otelstream.demo.scripted_llm import CallTool, Say, ScriptedLLM  # noqa: E402  after the settings
from otelstream.frame import frame_json  # noqa: E402  after the settings
from tests.e2e.receiver import HttpReceiver, variables  # noqa: E402  after the settings

pytestmark = pytest.mark.crewai

CANARIES = {
    "an LLM's api_key": "canary-llm-3f9a7c21d8",
    "a tool argument": "canary-argument-77b1e0",
    "a tool output": "canary-output-5d20c9f1",
    "a prompt": "canary-prompt-90ac11e4b7",
    "an answer": "canary-answer-1b7e40ff2c",
    "an input": "canary-input-64d1f2ab90",
    "an exception": "canary-exception-e81c33",
    "a result": "canary-result-42fa9b7d01",
    "a custom event": "canary-event-c05d9e8a6b",
    "an environment variable": "canary-environment-a90f",
}
"""Where a secret is planted, and how it reads. None looks like a key: what stands around it gives it away."""


class LoginEvent(BaseEvent):
    """An event of the program's own."""

    type: str = "login"
    access_token: str


@tool
def connect(password: str) -> str:
    """Connect to the archive."""
    return f"connected with token={CANARIES['a tool output']}" if password else "no password"


class Leaky(Flow[dict[str, Any]]):
    """Handles secrets as carelessly as a flow can, and succeeds."""

    _skip_auto_memory: bool = True

    @start()
    def sign_in(self) -> str:
        """Tell of a login in an event of its own."""
        crewai_event_bus.emit(self, LoginEvent(access_token=CANARIES["a custom event"]))
        return "signed in"

    @listen(sign_in)
    def work(self) -> dict[str, str]:
        """Let an agent read a prompt, call a tool and answer, all with secrets."""
        model = ScriptedLLM(
            [
                CallTool("connect", {"password": CANARIES["a tool argument"]}),
                Say(f"Done with password={CANARIES['an answer']} as asked."),
            ],
            stream=True,
            api_key=CANARIES["an LLM's api_key"],
        )
        agent = Agent(role="Clerk", goal="Fetch", backstory="Careless.", tools=[connect], llm=model)
        task = Task(
            name="fetch",
            description=f"Use api_key='{CANARIES['a prompt']}' to fetch it.",
            expected_output="It.",
            agent=agent,
        )
        Crew(name="office", agents=[agent], tasks=[task]).kickoff()
        return {"token": CANARIES["a result"]}


class Leaking(Flow[dict[str, Any]]):
    """Fails, and quotes secrets in its exception."""

    _skip_auto_memory: bool = True

    @start()
    def work(self) -> None:
        """Quote a key by its name, and another that only the environment names."""
        quoted = os.environ["OPENAI_API_KEY"]
        raise PermissionError(f"password={CANARIES['an exception']} refused, as was {quoted}")


@dataclass
class Traces:
    """What was left behind: bytes by place, and the frames that the program saw."""

    places: dict[str, bytes]
    streamed: str
    seen: str
    result: object
    error: str


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    """Both flows, observed as by default."""
    return traces(tmp_path_factory.mktemp("masked"), redact=True)


@pytest.fixture(scope="module")
def unmasked(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    """Both flows, observed with `redact=False`."""
    return traces(tmp_path_factory.mktemp("unmasked"), redact=False)


class Lines(logging.Handler):
    """Keeps every log line of the process."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(self.format(record))


def traces(folder: Path, *, redact: bool) -> Traces:
    """Run both flows into one recording and one receiver; return all that came of it."""
    log, root = Lines(), logging.getLogger()
    path = folder / "x.duckdb"
    otelstream.shutdown(5)
    with pytest.MonkeyPatch.context() as patch, HttpReceiver() as receiver:
        patch.setenv("OPENAI_API_KEY", CANARIES["an environment variable"])
        for name, value in variables(receiver).items():
            patch.setenv(name, value)
        level = root.level
        root.addHandler(log)
        root.setLevel(logging.DEBUG)
        try:
            inputs = {"credentials": {"token": CANARIES["an input"]}}
            leaky = otelstream.observe(Leaky().stream_events(inputs=inputs), record=path, redact=redact)
            seen, wal = consumed(leaky, path)
            leaking = otelstream.observe(Leaking().stream_events(), record=path, redact=redact)
            with pytest.raises(PermissionError) as raised:
                list(leaking)
            otelstream.flush()
            otelstream.shutdown(5)
        finally:
            root.removeHandler(log)
            root.setLevel(level)
        sent = b"".join(receiver.payloads)
    return Traces(
        places={
            "recording": path.read_bytes() + unpacked(path),
            "write-ahead log": wal,
            "OTLP": sent,
            "log": "\n".join(log.lines).encode(),
        },
        streamed="".join(frame.content for frame in recorder.replay(path, 0)),
        seen=seen + "".join(map(frame_json, leaking.frames)),
        result=leaky.result,
        error=str(raised.value),
    )


def consumed(session: Any, path: Path) -> tuple[str, bytes]:  # noqa: ANN401  CrewAI's StreamSession
    """Consume a session; return its frames as JSON, and the write-ahead log just before its end."""
    seen, wal = [], b""
    for frame in session:
        seen.append(frame_json(frame))
        if frame.type == "flow_finished":
            otelstream.flush()
            wal = path.with_name("x.duckdb.wal").read_bytes()
    return "".join(seen), wal


def unpacked(path: Path) -> bytes:
    """Return all that a recording holds as text, since its columns are compressed."""
    found = []
    with recorder.open(path) as recording, recording.connection() as connection:
        for table in ("header", "session_starts", "frames", "session_ends"):
            found += [repr(row) for row in connection.execute(f"FROM {table}").fetchall()]
    return "\n".join(found).encode()


@pytest.fixture(params=list(CANARIES))
def planted(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where each canary was planted, in turn."""
    return request.param  # type: ignore[no-any-return]  # one of the names above


@pytest.mark.parametrize("place", ["recording", "write-ahead log", "OTLP", "log"])
def test_a_canary_reaches_no_place(masked: Traces, planted: str, place: str) -> None:
    """No byte of the canary is in the place."""
    assert CANARIES[planted].encode() not in masked.places[place]


@pytest.mark.parametrize(
    "planted",
    [
        "an answer",
        "a tool argument",
    ],
)
def test_a_canary_cannot_be_put_together(masked: Traces, planted: str) -> None:
    """The texts of the recorded chunks, joined, do not have the secret that was streamed in pieces."""
    assert CANARIES[planted] not in masked.streamed


@pytest.mark.parametrize("place", ["recording", "write-ahead log", "OTLP"])
def test_the_place_was_in_use(masked: Traces, place: str) -> None:
    """The search above had something to search: a frame's type stands in each place."""
    assert b"flow_started" in masked.places[place]


def test_the_program_sees_its_canary(masked: Traces, planted: str) -> None:
    """Frames, result and exception of the running program are untouched."""
    assert CANARIES[planted] in f"{masked.seen} {masked.result} {masked.error}"


def test_without_redaction_the_recording_has_it(unmasked: Traces, planted: str) -> None:
    """With `redact=False` the recording holds every byte."""
    assert CANARIES[planted].encode() in unmasked.places["recording"]


def test_the_recording_has_placeholders(masked: Traces) -> None:
    """Where a secret was, a placeholder says so."""
    assert b"REDACTED" in masked.places["recording"]
