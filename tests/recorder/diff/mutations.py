"""Frames in which one leaf has another value, or all ids, times and addresses: as in another run."""

from __future__ import annotations

import random
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from otelstream.frame import FrameLike, StreamFrame, envelope_of, parse_frame
from recorder.diff.comparison import Comparison
from recorder.diff.forms import Digest, Forms
from recorder.diff.policy import Policy
from recorder.diff.result import Diff
from recorder.diff.runs import KeptRun

Path = tuple[str | int, ...]

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ID = re.compile(rf"{UUID}|(?:call_|chatcmpl-)[0-9a-f]{{20,}}")
TIME = re.compile(r"(20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d)\.\d{6}|datetime\.datetime\([^()]*\)")
ADDRESS = re.compile(r"0x7f[0-9a-f]{6,}")
NUMBER = re.compile(r"(?:current_usage_count|execution_time|_ms)(?:'|\")?[:=] ?[\d.]+")
VOLATILE = (ID, TIME, ADDRESS, NUMBER)
SET_ASIDE = frozenset((
    "timestamp", "seq", "current_usage_count", "started_at", "finished_at", "start_time", "end_time",
    "completed_at", "connection_duration_ms", "execution_duration_ms", "duration_ms", "execution_time",
    "processed_by_agents",
))  # fmt: skip


class KeepingForms(Forms):
    """Forms that remember the digests of frames, so that a thousand comparisons read each frame once."""

    def __init__(self) -> None:
        super().__init__(Policy())
        self._digests: dict[int, tuple[FrameLike, Digest]] = {}

    def digest(self, frame: FrameLike) -> Digest:
        """The digest of a frame, made once."""
        if id(frame) not in self._digests:
            self._digests[id(frame)] = frame, super().digest(frame)
        return self._digests[id(frame)][1]


FORMS = KeepingForms()
"""The forms of all tests, so that each shared frame is read once."""


def compared(left: Sequence[FrameLike], right: Sequence[FrameLike]) -> Diff:
    """What `recorder.diff` finds in frames, without reading those again that it has seen."""
    return Comparison(FORMS, (KeptRun("recorded", left), KeptRun("now", right))).diff()


def renamed(lines: Sequence[str], seed: int = 0) -> list[StreamFrame]:
    """The frames with every id renamed, every time shifted and every address changed, as in another run."""
    draw = random.Random(seed)
    names: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        old = found[0]
        if old not in names:
            new = str(uuid.UUID(int=draw.getrandbits(128), version=4))
            prefix = re.match(r"call_|chatcmpl-", old)
            names[old] = prefix[0] + new.replace("-", "")[: len(old) - len(prefix[0])] if prefix else new
        return names[old]

    def frame_of(line: str) -> StreamFrame:
        line = ADDRESS.sub("0x7f0000000001", ID.sub(other, line))
        return parse_frame(re.sub(r"(T\d\d:\d\d:)\d\d\.\d{6}", r"\g<1>59.999999", line))

    return [frame_of(line) for line in lines]


@dataclass(frozen=True)
class Mutation:
    """A recording in which one leaf of one frame has another value."""

    ordinal: int
    path: Path
    frames: list[StreamFrame]


def mutations(frames: Sequence[StreamFrame], draw: random.Random, least_uses: int) -> Iterator[Mutation]:
    """Yield mutations without end, of leaves whose change is one.

    Args:
        frames: The frames of a stream.
        draw: Where chance comes from.
        least_uses: How often an id must occur to be changed; nobody could tell another name of one that
            occurs once.
    """
    found = Counter(each for frame in frames for each in ID.findall(frame.model_dump_json()))
    uses = Counter({each: count for each, count in found.items() if count >= least_uses})
    ids = sorted(uses)
    while True:
        ordinal = draw.randrange(len(frames))
        envelope = envelope_of(frames[ordinal])
        path, value = draw.choice([*_leaves(envelope, ())])
        changed = _changed(value, path, uses, ids, draw)
        if changed is not value:
            mutated = _with(envelope, path, changed)
            yield Mutation(ordinal, path, [*frames[:ordinal], mutated, *frames[ordinal + 1 :]])


def _leaves(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    if any(step in SET_ASIDE for step in path):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _changed(value: object, path: Path, uses: Counter[str], ids: list[str], draw: random.Random) -> object:
    """Another value; the same object where nobody could tell."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if value is None:
        return draw.choice(ids) if ids and str(path[-1]).endswith("_id") else "something"
    text = str(value)
    if ID.fullmatch(text):
        fresh = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        return value if text not in uses else draw.choice([fresh, *(each for each in ids if each != text)])
    taken = {at for shape in VOLATILE for found in shape.finditer(text) for at in range(*found.span())}
    free = [at for at in range(len(text)) if at not in taken]
    if not free:
        return value if taken else "x"
    at = draw.choice(free)
    return text[:at] + ("Ü" if text[at] != "Ü" else "ü") + text[at + 1 :]


def _with(envelope: dict[str, Any], path: Path, value: object) -> StreamFrame:
    envelope = deepcopy(envelope)
    inner: Any = envelope
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return StreamFrame.model_construct(**envelope)
