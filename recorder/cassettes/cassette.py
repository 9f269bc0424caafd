"""The recording of one test: what the fixture `recording` gives."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from otelstream.errors import OtelstreamError, RecordingError
from otelstream.frame import StreamFrame
from recorder.cassettes.episodes import episodes_in, next_number
from recorder.cassettes.live import dismiss, kind_of
from recorder.cassettes.mode import Mode
from recorder.cassettes.plan import Plan
from recorder.cassettes.rehearsal import Rehearsal
from recorder.cassettes.take import Studio, Take
from recorder.cassettes.turns import Turn
from recorder.listing import Selector
from recorder.reader import open_recording
from recorder.replay import areplay, replay
from recorder.session import AsyncStreamSession, StreamSession
from recorder.session_row import RecordedSession

S = TypeVar("S")


class Cassette:
    """The recording of one test. Also a path, for whatever takes one: `recorder.diff(recording, …)`.

    Args:
        plan: What it is and may become.
        studio: What records.
        note_use: Is told which file was used, and which of its episodes; None for all of them.
    """

    def __init__(self, plan: Plan, studio: Studio, note_use: Callable[[Path, int | None], None]) -> None:
        self._plan = plan
        self._studio = studio
        self._note_use = note_use
        self._turn = Turn(plan.path)
        self._lock = threading.Lock()
        self._take: Take | None = None
        self._held: list[RecordedSession] = []
        self._rehearsals: list[Rehearsal] = []
        self._wrapped = 0

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"<recording {self._plan.path}, mode {self.mode}>"

    @property
    def path(self) -> Path:
        """The file; while this test records, the one that is being made."""
        self._note_use(self._plan.path, None)
        return self._path

    @property
    def mode(self) -> Mode:
        """The mode that holds for this test."""
        return self._plan.wishes.mode

    @property
    def frames(self) -> list[StreamFrame]:
        """The frames of the last session, also if it failed.

        Raises:
            RecordingError: There is no recording, or it cannot be read.
        """
        __tracebackhide__ = True
        session = self.session()
        try:
            list(session)
        except OtelstreamError:
            raise
        except Exception:  # noqa: BLE001  how the run ended; its frames are asked for
            pass
        return session.frames

    def session(self, session: Selector = "last", **options: Any) -> StreamSession[Any]:  # noqa: ANN401  see below
        """Return a recorded session for `for`.

        Args:
            session: `last`, the number of an episode from 0 in the order in which they were wrapped (negative
                from the end), an id or the beginning of one, or a name.
            options: What else `recorder.replay` takes: `rate`, `start`, …

        Raises:
            SessionNotFoundError: There is no such session.
            RecordingError: There is no recording, or it cannot be read.
        """
        __tracebackhide__ = True
        return replay(self._path, self._chosen(session), **options)

    def asession(self, session: Selector = "last", **options: Any) -> AsyncStreamSession[Any]:  # noqa: ANN401  as above
        """Return a recorded session for `async for`; otherwise like `session`."""
        __tracebackhide__ = True
        return areplay(self._path, self._chosen(session), **options)

    def wrap(self, live: S) -> S:
        """Return the session to be read in place of a live one: a recorded one, or itself being recorded.

        Which of them, the mode says. Where a recorded one is returned, the live one never runs. Sessions that
        a test wraps one after the other are the episodes of its recording, in that order.

        With `serve=` in the marker the live one does run, with its models or tools answering from the
        recorded one, and must be the same; the test fails if it is not.

        Args:
            live: A `StreamSession` or `AsyncStreamSession` of which nothing has been read.

        Raises:
            TypeError: It is no stream session.
            RecordingError: It has been read already; or nothing may be recorded in this mode, and there is
                no recording, or none of this episode.
        """
        __tracebackhide__ = True
        kind = kind_of(live)
        with self._lock:  # a program may stream in several threads
            number, self._wrapped = self._wrapped, self._wrapped + 1
            take = self._take or self._begun(number)
        self._note_use(self._plan.path, number)
        if take is not None:
            return take.add(live, number)
        episode = self._held[number]
        if episode.start.mode != kind:
            raise RecordingError(self._plan.misfit(number, episode.start.mode, kind))
        if episode.end is None:
            raise RecordingError(self._plan.cut_short(number))
        if self._plan.serve is not None:
            return self._rehearsed(live, episode.id, self._plan.serve)
        dismiss(live)
        play: Callable[..., Any] = areplay if kind == "async" else replay
        return play(self._plan.path, episode.id)  # type: ignore[no-any-return]  # of the kind of `live`

    def finish(self) -> None:
        """After the test has passed: what it recorded is whole, and what ran again is the same.

        Raises:
            RecordingError: It is not whole.
            AssertionError: It is not the same.
        """
        for rehearsal in self._rehearsals:
            rehearsal.check()
        if self._take is not None:
            self._take.finish()
            if self._plan.policy.keeps and not self._plan.policy.replays:
                self._take.keep(self._held[self._wrapped :])

    def close(self, *, keep: bool) -> None:
        """Put what was recorded in its place, or forget it.

        Args:
            keep: Whether the test has passed.

        Raises:
            RecordingError: It cannot be put there.
        """
        take, self._take = self._take, None
        try:
            if take is not None and keep:
                take.publish()
        finally:
            if take is not None:
                take.discard()
            self._turn.give_up()

    @property
    def _path(self) -> Path:
        return self._plan.path if self._take is None else self._take.path

    def _begun(self, number: int) -> Take | None:
        """Begin to record, or return None if the episode of a number is held and shall be replayed.

        Raises:
            RecordingError: It is not held, and not recorded in this mode.
        """
        __tracebackhide__ = True
        path, policy = self._plan.path, self._plan.policy
        if policy.replays and number < len(self._held):
            return None
        while True:
            self._held = self._episodes() if policy.keeps else []
            if policy.replays and number < len(self._held):
                self._turn.give_up()
                return None
            exists = os.path.exists(path)  # Path.exists() raises where a folder cannot be searched
            if not exists and not policy.makes:
                raise RecordingError(self._plan.missing())
            if exists and not policy.extends:
                raise RecordingError(self._plan.exhausted(len(self._held), number))
            if self._turn.is_taken:
                break
            self._turn.take()  # meanwhile another test may have recorded it: look again
        extends = policy.replays and bool(self._held)
        shift = next_number(self._held) - len(self._held) if extends else 0
        self._take = Take(self._plan, self._studio, shift)
        if extends:
            self._take.copy(path)
        return self._take

    def _episodes(self) -> list[RecordedSession]:
        __tracebackhide__ = True
        try:
            return episodes_in(self._plan.path)
        except RecordingError as error:
            raise RecordingError(self._plan.unreadable(error), error.fault) from None
        except OSError as error:  # of a folder on the way to it
            raise RecordingError(
                f"{self._plan.path} cannot be used: {error.strerror}; check the folder and its permissions.",
                "disk",
            ) from None

    def _rehearsed(self, live: S, session_id: str, serve: frozenset[str]) -> S:
        rehearsal = Rehearsal(live, self._plan.path, session_id, self._plan.if_it_shall_be())
        rehearsal.begin(serve, self._studio.redactor)
        self._rehearsals.append(rehearsal)
        return live

    def _chosen(self, selector: Selector) -> str:
        """Return the id of the session that is meant, having noted that it is used."""
        __tracebackhide__ = True
        if not self._path.exists():
            raise RecordingError(self._plan.never_made())
        episodes = episodes_in(self._path)
        ids = [episode.id for episode in episodes]
        if isinstance(selector, int) and -len(ids) <= selector < len(ids):
            chosen = ids[selector]
        elif selector == "last" and ids:
            chosen = ids[-1]
        else:
            with open_recording(self._path) as recording:
                chosen = recording.session(selector).id
        self._note_use(self._plan.path, ids.index(chosen))
        return chosen
