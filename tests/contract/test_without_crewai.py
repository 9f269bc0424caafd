"""Recordings of CrewAI runs in a process that never imports CrewAI."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import otelstream
from tests.contract.programs import DONE, WITHOUT_CREWAI, Program, consume, json_of

REPLAY = """
import asyncio, json, sys
import recorder

async def areplayed(path):
    session = recorder.areplay(path)
    return [frame.model_dump_json() async for frame in session], session

session = recorder.replay(sys.argv[1])
frames, error = [], None
try:
    for frame in session:
        frames.append(frame.model_dump_json())
except Exception as raised:
    error = [type(raised).__name__, str(raised)]
told = {
    "class": f"{type(session).__module__}.{type(session).__name__}",
    "frames": frames,
    "result": None if error else repr(session.result),
    "error": error,
    "crewai": "crewai" in sys.modules,
}
if not error:
    again, other = asyncio.run(areplayed(sys.argv[1]))
    told["asynchronous"] = [f"{type(other).__module__}.{type(other).__name__}", again == frames]
print(json.dumps(told))
"""


def replayed_elsewhere(path: Path) -> dict[str, Any]:
    """What a process without CrewAI says of a recording."""
    done = subprocess.run(
        [sys.executable, "-c", REPLAY, str(path)], capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def told(frames: list[str], result: str | None = None, error: list[str] | None = None) -> dict[str, Any]:
    """What it should say."""
    asynchronous = ["recorder.session.AsyncStreamSession", True]
    return {
        "class": "recorder.session.StreamSession",
        "frames": frames,
        "result": result,
        "error": error,
        "crewai": False,
        **({} if error else {"asynchronous": asynchronous}),
    }


def recorded(program: Program, path: Path) -> list[str]:
    """Record a run and return its frames as JSON."""
    return json_of(consume(otelstream.observe(program.stream(), record=path, redact=False)))


def test_a_run_without_crewai_is_replayed_without_it(tmp_path: Path) -> None:
    """Same frames, same result, our own session classes, and CrewAI is not loaded for it."""
    frames = recorded(WITHOUT_CREWAI.works, tmp_path / "run.duckdb")

    assert replayed_elsewhere(tmp_path / "run.duckdb") == told(frames, result=repr(DONE))


@pytest.mark.crewai
def test_a_crewai_run_is_replayed_without_crewai(tmp_path: Path) -> None:
    """The frames of a real run are the same bytes where CrewAI is not loaded."""
    from tests.contract.flows import WITH_CREWAI

    frames = recorded(WITH_CREWAI.works, tmp_path / "run.duckdb")

    assert replayed_elsewhere(tmp_path / "run.duckdb") == told(frames, result=repr(DONE))


@pytest.mark.crewai
def test_a_failed_crewai_run_is_replayed_without_crewai(tmp_path: Path) -> None:
    """A builtin exception needs no class of anybody."""
    from tests.contract.flows import WITH_CREWAI

    frames = recorded(WITH_CREWAI.fails, tmp_path / "run.duckdb")

    assert replayed_elsewhere(tmp_path / "run.duckdb") == told(frames, error=["ValueError", "boom"])


@pytest.mark.crewai
def test_a_result_of_crewais_class_is_readable_without_crewai(tmp_path: Path) -> None:
    """A result whose class is not loaded becomes an object that shows its fields."""
    from crewai.types.usage_metrics import UsageMetrics

    from tests.contract.flows import WITH_CREWAI

    usage = UsageMetrics(total_tokens=3, prompt_tokens=2, completion_tokens=1, successful_requests=1)
    recorded(WITH_CREWAI.returning(usage), tmp_path / "run.duckdb")

    assert replayed_elsewhere(tmp_path / "run.duckdb")["result"] == (
        "<recorded crewai.types.usage_metrics:UsageMetrics "
        + " ".join(f"{name}={value!r}" for name, value in usage)
        + ">"
    )
