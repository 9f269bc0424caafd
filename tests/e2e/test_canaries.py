"""Fifty canary secrets, planted everywhere and split into tokens: none of them leaves the process."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

import otelstream
import recorder
from otelstream.frame import StreamFrame, frame_json
from otelstream.redact.shapes import SHAPES
from recorder import AsyncStreamSession, StreamSession
from tests.e2e.programs.canaries import SECRETS, VARIABLES, error, frames, result
from tests.e2e.receiver import PROTOCOLS, receiver_of, variables
from tests.e2e.runs import environment

PART: Final = 12
"""So many characters of a secret are too many."""


@dataclass(frozen=True)
class Left:
    """What two sessions with all secrets left behind, one of which failed.

    Attributes:
        path: Their recording.
        places: Bytes, by place.
    """

    path: Path
    places: dict[str, bytes]


def observe_sync(path: Path, *, redact: bool) -> tuple[bytes, object]:
    """Record a session that succeeds and one that fails; return the files in the middle, and the result."""

    def source(problem: Exception | None) -> Iterator[StreamFrame]:
        yield from frames()
        if problem is not None:
            raise problem
        good._set_result(result())

    good: StreamSession[object] = StreamSession(sync_iterator=source(None))
    bad: StreamSession[object] = StreamSession(sync_iterator=source(error()))
    middle = b""
    observed = otelstream.observe(good, record=path, redact=redact)
    for number, _ in enumerate(observed):
        if number % 200 == 199:
            otelstream.flush()
            middle += files(path)
    with suppress(PermissionError):
        list(otelstream.observe(bad, record=path, redact=redact))
    return middle, observed.result


def observe_async(path: Path, *, redact: bool) -> tuple[bytes, object]:
    """Do the same asynchronously."""

    async def source(problem: Exception | None, session: list[Any]) -> AsyncIterator[StreamFrame]:
        for frame in frames():
            yield frame
        if problem is not None:
            raise problem
        session[0]._set_result(result())

    async def run() -> tuple[bytes, object]:
        middle = b""
        made: list[AsyncStreamSession[object]] = []
        made.append(AsyncStreamSession(async_iterator=source(None, made)))
        observed = otelstream.observe(made[0], record=path, redact=redact)
        async for frame in observed:
            if frame.type == "flow_finished":
                otelstream.flush()
                middle = files(path)
        bad: AsyncStreamSession[object] = AsyncStreamSession(async_iterator=source(error(), []))
        with suppress(PermissionError):
            async for _ in otelstream.observe(bad, record=path, redact=redact):
                pass
        return middle, observed.result

    return asyncio.run(run())


def files(path: Path) -> bytes:
    """Return the bytes of a recording and its WAL."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


def unpacked(path: Path) -> bytes:
    """Return all that a recording holds as text, since its columns are compressed."""
    found: list[object] = []
    with recorder.open(path) as recording:
        for session in recording.sessions():
            found += [session, *map(frame_json, recording.frames(session))]
        with recording.connection() as connection:
            names = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
            for (name,) in names:
                found += connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {name}").fetchall()
    return "\n".join(map(str, found)).replace("\\\\n", "\n").replace("\\n", "\n").encode()


def left_by(way: str, protocol: str, folder: Path, *, redact: bool) -> Left:
    """Let the sessions run, with everything exported that can be."""
    path = folder / "x.duckdb"
    otelstream.shutdown(5)
    with pytest.MonkeyPatch.context() as patch, receiver_of(protocol) as receiver:
        for name, value in {
            **variables(receiver, metrics=True),
            **VARIABLES,
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTELSTREAM_EVENTS": "both",
            "OTELSTREAM_CHUNK_EVENTS": "all",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
        }.items():
            patch.setenv(name, value)
        observe = observe_sync if way == "sync" else observe_async
        middle, _ = observe(path, redact=redact)
        otelstream.flush()
        otelstream.shutdown(10)
        sent = b"\n".join(receiver.payloads)
    return Left(path, {"files midway": middle, "files": files(path), "rows": unpacked(path), "OTLP": sent})


@pytest.fixture(scope="module", params=[("sync", PROTOCOLS[0]), ("async", PROTOCOLS[1])], ids="-".join)
def masked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """Both sessions, observed as by default."""
    way, protocol = request.param
    return left_by(way, protocol, tmp_path_factory.mktemp("masked"), redact=True)


@pytest.fixture(scope="module")
def unmasked(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """Both sessions, observed with `redact=False`."""
    return left_by("sync", PROTOCOLS[0], tmp_path_factory.mktemp("unmasked"), redact=False)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A process that committed with every other frame, so amid secrets, and was killed before the end."""
    path = tmp_path_factory.mktemp("killed") / "x.duckdb"
    ran = subprocess.run(
        [sys.executable, "-m", "tests.e2e.programs.canaries", str(path)],
        env=environment({"OTELSTREAM_BATCH_MS": "1"}),
        check=False,
        timeout=60,
    )
    assert ran.returncode == -signal.SIGKILL
    return Left(path, {"files": files(path), "rows": unpacked(path)})


@cache
def parts(secret: str) -> frozenset[bytes]:
    """Return every part of a secret that is too long to be there, also as base64 and in a URL."""
    forms = [secret, quote(secret, safe="")]
    forms += [base64.b64encode(b"." * shift + secret.encode())[4:-4].decode() for shift in range(3)]
    return frozenset(
        form[at : at + PART].encode() for form in forms for at in range(max(1, len(form) - PART + 1))
    )


def found_in(data: bytes, secrets: list[str]) -> list[str]:
    """Return the secrets of which data has a part."""
    windows = {data[at : at + PART] for at in range(len(data) - PART + 1)}
    return [secret for secret in secrets if not windows.isdisjoint(parts(secret))]


def test_there_are_fifty() -> None:
    """All of them are different."""
    assert len(set(SECRETS)) == len(SECRETS) == 50


@pytest.mark.parametrize("place", ["files midway", "files", "rows", "OTLP"])
def test_no_secret_leaves_the_process(masked: Left, place: str) -> None:
    """No twelve characters of any secret are there, plain, in base64 or URL-encoded."""
    assert found_in(masked.places[place], SECRETS) == []


@pytest.mark.parametrize("place", ["files", "rows"])
def test_no_secret_is_in_what_a_killed_process_leaves(killed: Left, place: str) -> None:
    """Not even where a commit came between two pieces of a secret."""
    assert found_in(killed.places[place], SECRETS) == []


def test_no_secret_can_be_put_together(masked: Left) -> None:
    """The tokens of each call, joined, do not have it."""
    with recorder.open(masked.path) as recording:
        texts: dict[object, str] = {}
        for frame in recording.frames(recording.session(0)):
            call_id = frame.data.get("call_id")
            texts[call_id] = texts.get(call_id, "") + frame.content

    assert found_in("\n".join(texts.values()).encode(), SECRETS) == []


def test_all_of_them_were_there_to_be_found(unmasked: Left) -> None:
    """Without redaction the same sessions leave every secret in the recording."""
    assert found_in(unmasked.places["rows"], SECRETS) == SECRETS


def test_what_is_exported_had_most_of_them(unmasked: Left) -> None:
    """Without redaction most secrets are exported (no states): the search had something to search."""
    assert len(found_in(unmasked.places["OTLP"], SECRETS)) > 30


def test_the_recording_replays(masked: Left) -> None:
    """A replay gives the frames that are stored, as many as were emitted, and the redacted result."""
    with recorder.open(masked.path) as recording:
        kept = [frame_json(frame) for frame in recording.frames(recording.session(0))]
    replayed = recorder.replay(masked.path, 0)
    lines = [frame_json(frame) for frame in replayed]

    assert (lines, len(lines), replayed.result.password) == (kept, len(frames()), "REDACTED")


def test_the_failed_session_replays(masked: Left) -> None:
    """It raises its exception with what was secret masked, at the end of its frames."""
    with pytest.raises(PermissionError, match="REDACTED") as raised:
        list(recorder.replay(masked.path, 1))

    assert found_in(str(raised.value.args).encode(), SECRETS) == []


def test_the_report_names_rules_and_counts(masked: Left) -> None:
    """What fired is told by the names of rules, each with a number, and by nothing else."""
    with recorder.open(masked.path) as recording:
        end = recording.session(0).end
    assert end is not None
    report = json.loads(end.redactions or "{}")

    assert (
        set(report) - {rule.name for rule in SHAPES} - {"key", "pair", "value", "pattern"},
        min(report.values()) > 0,
    ) == (
        set(),
        True,
    )


def test_the_report_is_complete(masked: Left) -> None:
    """At least as many rules fired as there are kinds of secret."""
    with recorder.open(masked.path) as recording:
        end = recording.session(0).end
    assert end is not None

    assert len(json.loads(end.redactions or "{}")) >= 15
