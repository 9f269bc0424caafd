"""Scripts of what a program may do with a session, and transcripts of what it sees while it does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from otelstream.frame import StreamFrame, envelope_of, frame_json
from tests.contract.programs import Async, Sync, settle

Source: TypeAlias = str | tuple[str, ...]
"""Where frames are taken from: a projection by its name, or some channels for `interleave`."""

Frames: TypeAlias = Iterator[StreamFrame] | AsyncIterator[StreamFrame]

PROJECTIONS: Final = ("events", "llm", "messages", "flow", "tools", "__iter__")


@dataclass(frozen=True)
class Take:
    """Loop over a projection and leave the loop after so many frames; None goes to its end."""

    source: Source
    count: int | None = None


@dataclass(frozen=True)
class Hold:
    """Take frames from an iterator that stays open until it is let go, beside others."""

    slot: int
    source: Source
    count: int


@dataclass(frozen=True)
class LetGo:
    """Forget an iterator that is open."""

    slot: int


@dataclass(frozen=True)
class Close:
    """Close the session."""


@dataclass(frozen=True)
class With:
    """Do some steps in a `with`, and leave it by an exception of the program or by none."""

    steps: tuple[Step, ...]
    raises: bool = False


Step: TypeAlias = Take | Hold | LetGo | Close | With
Script: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True)
class Raised:
    """What a program can see of an exception."""

    cls: type[BaseException]
    args: tuple[object, ...]
    text: str
    cause: Raised | None = None
    suppress_context: bool = False
    attributes: tuple[tuple[str, object], ...] = ()


def seen(error: BaseException | None) -> Raised | None:
    """What a program sees of that exception."""
    if error is None:
        return None
    args = tuple(seen(each) if isinstance(each, BaseException) else each for each in error.args)
    attributes = tuple((name, value) for name, value in sorted(vars(error).items()) if name[0] != "_")
    cause = seen(error.__cause__)
    return Raised(type(error), args, str(error), cause, error.__suppress_context__, attributes)


@dataclass(frozen=True)
class Observation:
    """What a program sees of a session at some moment.

    Attributes:
        step: What it has just done; None before the first step.
        frames: The JSON of the frames that it got by that.
        raised: The exception that it got instead of the next.
        flags: `is_completed`, `is_exhausted` and `is_cancelled`.
        collected: How many frames the session has collected.
        result: Class and `repr` of the result (NaN does not equal itself), or what is raised in its place.
    """

    step: Step | None
    frames: list[str]
    raised: Raised | None
    flags: tuple[bool, bool, bool]
    collected: int
    result: object


@dataclass(repr=False)  # asyncio prints what its tasks return, and throws it away
class Transcript:
    """All that a program saw of a session, and the frames that the session had collected at last.

    Attributes:
        observations: What it saw before the first step and after each.
        frames: The collected frames.
        texts: Their JSON.
    """

    observations: list[Observation]
    frames: list[StreamFrame]
    texts: list[str]


def assert_same(one: Transcript, other: Transcript) -> None:
    """Assert that a program has seen the same twice: same JSON, equal frames of one class, same end."""
    assert one.observations == other.observations
    assert one.texts == other.texts
    assert [type(each) for each in one.frames] == [type(each) for each in other.frames]
    for left, right in zip(one.frames, other.frames, strict=True):
        assert left == right or _fields(left) == _fields(right)


def _fields(frame: StreamFrame) -> list[object]:
    # NaN does not equal itself.
    return [repr(value) if "nan" in repr(value) else value for value in envelope_of(frame).values()]


async def transcript(session: Sync | Async, script: Script) -> Transcript:
    """Play a script on a session of either kind, and tell what a program sees."""
    player = _Player(session)
    player.note(None)
    for step in script:
        await player.play(step)
    frames = session.frames
    return Transcript(player.observations, frames, [player.text_of(each) for each in frames])


class _Player:
    """One program with its session."""

    def __init__(self, session: Sync | Async) -> None:
        self.session = session
        self.observations: list[Observation] = []
        self._held: dict[int, Frames] = {}
        self._texts: dict[int, tuple[StreamFrame, str]] = {}  # of each frame once, however often it comes

    async def play(self, step: Step) -> None:
        if isinstance(step, With):
            await self._with(step)
        elif isinstance(step, Take):
            await self._take(step, self._frames_of(step.source), step.count)
        elif isinstance(step, Hold):
            frames = self._held.setdefault(step.slot, self._frames_of(step.source))
            await self._take(step, frames, step.count)
        elif isinstance(step, LetGo):
            self._held.pop(step.slot, None)
            await self._settle()
            self.note(step)
        else:
            error = await self._closed()
            self.note(step, raised=error)

    def note(self, step: Step | None, taken: Iterable[str] = (), raised: Raised | None = None) -> None:
        session = self.session
        flags = (session.is_completed, session.is_exhausted, session.is_cancelled)
        observed = Observation(step, list(taken), raised, flags, len(session.frames), _result_of(session))
        self.observations.append(observed)

    async def _with(self, step: With) -> None:
        caught: Raised | None = None
        try:
            if isinstance(self.session, Iterable):
                with self.session:
                    await self._inside(step)
            else:
                async with self.session:
                    await self._inside(step)
        except KeyError as error:
            caught = seen(error)
        self.note(step, raised=caught)

    async def _inside(self, step: With) -> None:
        for each in step.steps:
            await self.play(each)
        if step.raises:
            raise KeyError("of the loop")

    async def _take(self, step: Step, frames: Frames, count: int | None) -> None:
        taken: list[str] = []
        raised: Raised | None = None
        try:
            while count is None or len(taken) < count:
                taken.append(self.text_of(await _next(frames)))
        except (StopIteration, StopAsyncIteration):
            pass
        except Exception as error:  # noqa: BLE001  any exception is what the program sees
            raised = seen(error)
        del frames  # unless it is held this ends the loop, as `break` does
        await self._settle()
        self.note(step, taken, raised)

    def _frames_of(self, source: Source) -> Frames:
        session: Any = self.session
        if isinstance(source, tuple):
            return session.interleave(list(source))  # type: ignore[no-any-return]  # of either kind
        if source == "__iter__":
            return iter(session) if isinstance(session, Iterable) else aiter(session)
        return getattr(session, source)  # type: ignore[no-any-return]  # of either kind

    def text_of(self, frame: StreamFrame) -> str:
        if id(frame) not in self._texts:
            self._texts[id(frame)] = (frame, frame_json(frame))
        return self._texts[id(frame)][1]

    async def _closed(self) -> Raised | None:
        try:
            if isinstance(self.session, Iterable):
                self.session.close()
            else:
                await self.session.aclose()
        except Exception as error:  # noqa: BLE001  any exception is what the program sees
            return seen(error)
        return None

    async def _settle(self) -> None:
        if not isinstance(self.session, Iterable):
            await settle()


async def _next(frames: Frames) -> StreamFrame:
    if not isinstance(frames, Iterator):
        return await anext(frames)
    found = next(frames, None)
    if found is None:
        raise StopAsyncIteration
    return found


def _result_of(session: Sync | Async) -> object:
    try:
        return type(session.result), repr(session.result)
    except Exception as error:  # noqa: BLE001  any exception is what the session says
        return seen(error)
