"""A program that reads a directory all the time while others record into it, until its standard input ends.

Run as `python -m tests.e2e.programs.reading DIRECTORY`; prints a JSON object: how often it read, and whatever
it found wrong.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from pathlib import Path

import recorder
from otelstream.errors import RecordingError


def main() -> None:
    """Read until told to stop, and once more then."""
    directory = Path(sys.argv[1])
    stopped = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stopped.set()

    threading.Thread(target=wait, daemon=True).start()
    reader = Reader(directory)
    while not stopped.wait(0.01):
        if list(directory.glob("*/[!.]*.duckdb")):
            reader.look()
    reader.look()
    json.dump({"looks": reader.looks, "seen": len(reader.counts), "wrong": reader.wrong}, sys.stdout)


class Reader:
    """Lists, follows and queries a directory, and keeps what is wrong.

    Attributes:
        looks: How often it did.
        counts: Frames of each session when it was last looked at.
        wrong: Sentences.
    """

    def __init__(self, directory: Path) -> None:
        self.looks = 0
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._directory = directory

    def look(self) -> None:
        """List the sessions, read on in each where it stood, and count in SQL."""
        self.looks += 1
        try:
            with recorder.open(self._directory) as recording:
                self._list(recording)
                self._query(recording)
                self.wrong += [sentence for _, sentence in recording.skipped]
        except RecordingError as error:
            self.wrong.append(str(error))

    def _list(self, recording: recorder.Recording) -> None:
        sessions = recording.sessions()
        missing = self.counts.keys() - {str(session.start.name) for session in sessions}
        self.wrong += [f"{name} has vanished" for name in missing]
        for session in sessions:
            self._follow(recording, session)

    def _follow(self, recording: recorder.Recording, session: recorder.RecordedSession) -> None:
        name, before = str(session.start.name), self.counts[str(session.start.name)]
        if session.state not in ("recording", "completed"):
            self.wrong.append(f"{name} is {session.state}")
        if session.frame_count < before:
            self.wrong.append(f"{name} had {before} frames, and has {session.frame_count}")
        if session.frame_count > before:
            numbers = [frame.seq for frame in recording.frames(session)]
            if numbers != list(range(session.frame_count)):
                self.wrong.append(f"{name} has other frames than 0 to {session.frame_count}")
            self.counts[name] = session.frame_count

    def _query(self, recording: recorder.Recording) -> None:
        rows = recording.sql(
            "SELECT s.name, count(*) FROM frames AS f JOIN sessions AS s ON s.id = f.session_id GROUP BY ALL"
        )
        for name, count in rows:
            if int(str(count)) < self.counts[str(name)]:
                self.wrong.append(f"{name} has {count} frames in SQL, and had {self.counts[str(name)]}")


if __name__ == "__main__":
    main()
