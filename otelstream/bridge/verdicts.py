"""What became of recorded runs that were executed again, and the report of that for a CI server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args
from xml.etree.ElementTree import Element, ElementTree, SubElement

Kind = Literal["same", "reordered", "diverged", "skipped", "unreadable"]

PASSED: Final = ("same", "reordered")

_SUITE: Final = "otelstream verify"
_ELEMENTS: Final[Mapping[Kind, str]] = {"diverged": "failure", "skipped": "skipped", "unreadable": "error"}
# XML 1.0 has no way to write these.
_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one recorded session, or of a file that could not be read.

    Attributes:
        file: The recording.
        session_id: None for a file.
        index: Its place in what was verified, as in `ls`; None for a file.
        name: Its flow's or model's.
        kind: `same`, `reordered` (only parallel branches in another order), `diverged`, `skipped` (it cannot
            be executed again, or is another flow's), or `unreadable`.
        frame: Ordinal of the recorded frame at which it diverged, from 0; None where no frame is to be named.
        text: Why, empty for what is the same.
        seconds: How long it took.
    """

    file: Path
    session_id: str | None
    index: int | None
    name: str | None
    kind: Kind
    frame: int | None = None
    text: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether today's code does what it did."""
        return self.kind in PASSED

    @property
    def title(self) -> str:
        """The session as people name it: file, index, flow."""
        parts = (str(self.file), None if self.index is None else f"#{self.index}", self.name)
        return " ".join(part for part in parts if part)

    @property
    def summary(self) -> str:
        """Kind, and where it diverged."""
        return self.kind if self.frame is None else f"{self.kind} at frame {self.frame}"


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return 1 if any run diverged, 2 if something was unreadable or nothing was compared, else 0."""
    kinds = Counter(verdict.kind for verdict in verdicts)
    if kinds["diverged"]:
        return 1
    return 2 if kinds["unreadable"] or not any(verdict.passed for verdict in verdicts) else 0


def tally(verdicts: Sequence[Verdict]) -> str:
    """Return how many verdicts there are of each kind, and whether there was nothing to compare."""
    kinds = Counter(verdict.kind for verdict in verdicts)
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in get_args(Kind) if kinds[kind])
    told = f"{len(verdicts)} verdicts: {counts}" if verdicts else "no verdicts"
    return (
        told
        if any(verdict.passed or verdict.kind == "diverged" for verdict in verdicts)
        else f"{told}; nothing was compared"
    )


def write_junit(verdicts: Sequence[Verdict], path: Path) -> None:
    """Write a JUnit report: a test case for each verdict, with the seconds that it took.

    Raises:
        OSError: The file cannot be written.
    """
    kinds = Counter(verdict.kind for verdict in verdicts)
    suite = Element(
        "testsuite",
        name=_SUITE,
        tests=str(len(verdicts)),
        failures=str(kinds["diverged"]),
        errors=str(kinds["unreadable"]),
        skipped=str(kinds["skipped"]),
        time=f"{sum(verdict.seconds for verdict in verdicts):.3f}",
    )
    for verdict in verdicts:
        _add_case(suite, verdict)
    suites = Element("testsuites")
    suites.append(suite)
    ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def _add_case(suite: Element, verdict: Verdict) -> None:
    name = " ".join(part for part in (verdict.name, verdict.session_id) if part) or verdict.file.name
    case = SubElement(
        suite,
        "testcase",
        classname=_writable(str(verdict.file)),
        name=_writable(name),
        time=f"{verdict.seconds:.3f}",
    )
    element = _ELEMENTS.get(verdict.kind)
    if element is not None:
        text = _writable(verdict.text)
        SubElement(case, element, message=f"{verdict.summary}: {text.partition(chr(10))[0]}").text = text


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("�", text)
