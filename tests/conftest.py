"""The golden streams: frames that CrewAI really emitted, one file per thing that happened."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from otelstream.frame import StreamFrame, parse_frame

FRAMES = Path(__file__).parent / "golden" / "frames"
NAMES = sorted(path.name.removesuffix(".gz").removesuffix(".jsonl") for path in FRAMES.iterdir())


@cache
def lines_of(name: str) -> tuple[str, ...]:
    """The lines of a golden stream."""
    plain = FRAMES / f"{name}.jsonl"
    content = (
        plain.read_bytes() if plain.exists() else gzip.decompress(plain.with_suffix(".jsonl.gz").read_bytes())
    )
    return tuple(content.decode().splitlines())


@cache
def frames_of(name: str) -> tuple[StreamFrame, ...]:
    """The frames of a golden stream; tests share them and must not change them."""
    return tuple(parse_frame(line) for line in lines_of(name))


@pytest.fixture(scope="session", params=NAMES)
def golden_name(request: pytest.FixtureRequest) -> str:
    """The name of each golden stream in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def golden_lines(golden_name: str) -> tuple[str, ...]:
    """The lines of each golden stream in turn."""
    return lines_of(golden_name)


@pytest.fixture(scope="session")
def golden_frames(golden_name: str) -> tuple[StreamFrame, ...]:
    """The frames of each golden stream in turn."""
    return frames_of(golden_name)


@pytest.fixture(scope="session")
def golden() -> Callable[[str], tuple[StreamFrame, ...]]:
    """The frames of the golden stream of that name."""
    return frames_of
