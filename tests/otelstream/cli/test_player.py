"""The player of `otelstream play`: what keys do to a replay, by a clock that the test turns."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from otelstream.cli.player import HELP, Player
from recorder.playhead import Tempo
from tests.recorder.timing import SECOND, FakeClock


class Script:
    """Keys that are pressed while the player waits: at so many seconds of the clock.

    Attributes:
        notes: What the player said.
        seen: Each frame that was let through, with the second at which it was.
    """

    def __init__(self, keys: Mapping[float, bytes]) -> None:
        self.clock = FakeClock()
        self.notes: list[str] = []
        self.seen: list[tuple[int, float]] = []
        self._began = self.clock.now_ns
        self._keys = sorted(keys.items())

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return (self.clock.now_ns - self._began) / SECOND

    def wait(self, seconds: float) -> list[bytes]:
        """Let time pass until the next key; the end of the script is the end of the replay."""
        if self._keys and self._keys[0][0] <= self.now + seconds:
            at, keys = self._keys.pop(0)
            self.clock.wait(max(0.0, at - self.now))
            return [keys] if keys.startswith(b"\x1b") else [keys[i : i + 1] for i in range(len(keys))]
        if seconds >= 3_600:
            return [b"q"]
        self.clock.wait(seconds)
        return []

    def play(self, rate: float = 1.0, *, paused: bool = False, idle_limit: float | None = None) -> Player:
        """Play four frames, ten seconds apart, the first at once."""
        player = Player(Tempo(rate, idle_limit), self, self.notes.append, paused=paused, clock=self.clock)
        player.begin(at_once=True)
        for ordinal in range(4):
            if not player.hold(ordinal, (5 + 10 * ordinal) * SECOND):
                break
            self.seen.append((ordinal, self.now))
        return player


@pytest.mark.parametrize(
    ("keys", "seen"),
    [
        ({}, [0, 10, 20, 30]),
        ({4: b" ", 104: b" "}, [0, 110, 120, 130]),
        ({4: b"+"}, [0, 7, 12, 17]),
        ({4: b"++"}, [0, 5.5, 8, 10.5]),
        ({4: b"-"}, [0, 16, 36, 56]),
        ({4: b"+", 5: b"-"}, [0, 9, 19, 29]),
        ({4: b"n"}, [0, 4, 14, 24]),
        ({4: b"\x1b[C", 5: b"\x1bOC"}, [0, 4, 5, 15]),
        ({4: b"..."}, [0, 4, 4, 4]),
        ({4: b" ", 50: b".", 60: b"s"}, [0, 50, 60]),
        ({4: b" .", 6: b" "}, [0, 4, 16, 26]),
        ({4: b" +", 50: b" "}, [0, 53, 58, 63]),
        ({4: b"x\n\x1b"}, [0, 10, 20, 30]),
        ({4: b"q"}, [0]),
        ({4: b" ", 5: b"q"}, [0]),
    ],
)
def test_what_keys_do(keys: Mapping[float, bytes], seen: list[float]) -> None:
    """Pause and go on, faster and slower, skip a gap, step, quit; other keys do nothing."""
    script = Script(keys)
    script.play()

    assert script.seen == list(enumerate(seen))


def test_it_may_start_paused() -> None:
    """Not even the first frame comes before a key."""
    script = Script({30: b".", 40: b" "})
    script.play(paused=True)

    assert script.seen == [(0, 30), (1, 50), (2, 60), (3, 70)]


def test_the_rate_and_the_limit_of_the_command() -> None:
    """They are those with which it begins."""
    script = Script({})
    script.play(2.0, idle_limit=4.0)

    assert script.seen == [(0, 0), (1, 2), (2, 4), (3, 6)]


def test_nothing_is_waited_for_at_the_rate_of_nought() -> None:
    """But for a pause; faster and slower there is nothing."""
    script = Script({0: b"+- ", 8: b" "})
    script.play(0.0)

    assert (script.seen, script.notes[1:]) == ([(number, 8) for number in range(4)], ["going on"])


def test_what_it_says() -> None:
    """Where it stands, that it goes on, how fast it is; the rate has bounds."""
    script = Script({0: b" ", 1: b" ", 2: b"-" * 7, 3: b"+" * 17})
    script.play(0.5)

    assert script.notes == [
        f"paused at the start   {HELP}",
        "going on",
        *(f"rate {rate:g}" for rate in (1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 64, 1 / 64)),
        *(f"rate {2 ** (power - 5):g}" for power in range(16)),
        "rate 1024",
    ]


@pytest.mark.parametrize(("rate", "keys", "note"), [(2048.0, b"+", "rate 2048"), (0.001, b"-", "rate 0.001")])
def test_a_rate_beyond_the_bounds(rate: float, keys: bytes, note: str) -> None:
    """Faster is never slower than before, nor slower faster."""
    script = Script({0: keys})
    script.play(rate, idle_limit=0.0)

    assert script.notes == [note]


def test_where_it_stands() -> None:
    """The last frame and its second, which can be given to `--start`."""
    script = Script({14: b" "})
    player = script.play()

    assert (script.notes, player.ordinal, player.offset_ns, player.is_stopped) == (
        [f"paused at 15.000s, frame 1   {HELP}"],
        1,
        15 * SECOND,
        True,
    )


def test_a_replay_that_is_played_out_was_not_stopped() -> None:
    """It ended by itself."""
    assert Script({}).play().is_stopped is False


def test_no_time_passes_while_the_job_stands() -> None:
    """Be it paused or not when it was stopped."""
    script = Script({})
    player = Player(Tempo(1.0), script, script.notes.append, clock=script.clock)
    player.begin(at_once=True)
    player.hold(0, 0)
    with player.standing():
        script.clock.wait(1_000)
    player.hold(1, 10 * SECOND)

    assert script.now == 1_010
