"""Which recordings the tests of a run used, in however many processes, and which ones nobody needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from recorder.cassettes.layout import Layout
from recorder.text.headers import why_foreign

ALL: Final = -1
"""Stands for all sessions of a recording, where only its path was asked for."""


@dataclass(slots=True)
class Usage:
    """What tests did with recordings.

    Attributes:
        claims: The recording of each test that was found and has one, whether it ran or not.
        layouts: For each test module that was found, where its recordings are.
        used: The sessions that were used of each recording, by their numbers, or `ALL`.
        passed: The tests that passed.
        reasons: Why it cannot be said what is unused; none if it can.
    """

    claims: dict[str, Path] = field(default_factory=dict)
    layouts: dict[Path, Layout] = field(default_factory=dict)
    used: dict[Path, set[int]] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)

    def note(self, path: Path, session: int | None) -> None:
        """Take note that a session of a recording was used, None for all of them."""
        self.used.setdefault(path.absolute(), set()).add(ALL if session is None else session)

    def portable(self) -> dict[str, Any]:
        """Return what another process needs of it, in types that any channel carries."""
        return {
            "claims": {test: str(path) for test, path in self.claims.items()},
            "layouts": {
                str(module): [str(layout.recordings), str(layout.tests)]
                for module, layout in self.layouts.items()
            },
            "used": {str(path): sorted(numbers) for path, numbers in self.used.items()},
            "passed": sorted(self.passed),
            "reasons": self.reasons,
        }

    def add(self, portable: Mapping[str, Any]) -> None:
        """Add what another process found."""
        self.claims.update({test: Path(path) for test, path in portable["claims"].items()})
        self.layouts.update(
            {Path(module): Layout(*map(Path, paths)) for module, paths in portable["layouts"].items()}
        )
        for path, numbers in portable["used"].items():
            self.used.setdefault(Path(path), set()).update(numbers)
        self.passed.update(portable["passed"])
        self.reasons += [reason for reason in portable["reasons"] if reason not in self.reasons]


def unused_recordings(usage: Usage, folders: Iterable[Path]) -> dict[Path, str]:
    """Return the recordings that no test needs, each with what of it: `all of it`, `session 2 of 3`.

    A recording whose tests did not all pass is not judged: they may have ended before they came to it.
    Neither is one of a test module that was not asked for.

    Args:
        usage: What the tests did, all of those that were asked for.
        folders: The folders whose tests were asked for, all that there are in them.
    """
    tests_of: dict[Path, list[str]] = {}
    for test, path in usage.claims.items():
        tests_of.setdefault(path, []).append(test)
    asked_for = list(folders)
    found: dict[Path, str] = {}
    for layout in dict.fromkeys(usage.layouts.values()):
        for file in layout.files() if layout.recordings.is_dir() else ():
            tests = tests_of.get(file, [])
            is_judged = (
                usage.passed.issuperset(tests) if tests else _is_asked_for(file, layout, usage, asked_for)
            )
            what = _unused_of(file, usage.used.get(file, set())) if is_judged else None
            if what is not None:
                found[file] = what
    return found


def _is_asked_for(file: Path, layout: Layout, usage: Usage, folders: list[Path]) -> bool:
    module = layout.module_of(file)
    if module is not None:
        return module in usage.layouts
    # A module that is gone: all tests of the folder where it was must have been looked for.
    place = layout.tests / file.relative_to(layout.recordings).parent
    while not place.is_dir():
        place = place.parent
    return any(place.is_relative_to(folder) for folder in folders)


def _unused_of(file: Path, used: set[int]) -> str | None:
    if ALL in used:
        return None
    if not used:
        return None if file.suffix == ".jsonl" and why_foreign(file) else "all of it"
    from recorder.cassettes.episodes import episodes_in

    count = len(episodes_in(file))
    unused = [str(number + 1) for number in range(count) if number not in used]
    if not unused:
        return None
    return f"session{'' if len(unused) == 1 else 's'} {', '.join(unused)} of {count}"
