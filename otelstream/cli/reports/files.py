"""The reports of `dashboards/sql`: their names and texts. An installed package has the files inside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from otelstream.errors import UsageError


@dataclass(frozen=True, slots=True)
class Report:
    """A question to a recording.

    Attributes:
        name: As its file is called.
        text: One SELECT, behind a comment that says what its columns mean.
    """

    name: str
    text: str

    @property
    def question(self) -> str:
        """What it answers, in one sentence."""
        return self.text.partition("\n")[0].removeprefix("/* ")

    @property
    def is_about_one_run(self) -> bool:
        """Whether it takes the session that the variable `session` names, or the last one."""
        return "getvariable('session')" in self.text


@cache
def report_names() -> tuple[str, ...]:
    """Return the names of all reports, in their order."""
    return tuple(sorted(path.stem for path in _folder().glob("*.sql")))


def report_of(name: str) -> Report:
    """Return a report.

    Raises:
        UsageError: There is none of that name.
    """
    found = name.strip().replace("-", "_")
    if found not in report_names():
        raise UsageError(f"there is no report {name!r}; choose one of {', '.join(report_names())}.")
    return Report(found, (_folder() / f"{found}.sql").read_text(encoding="utf-8"))


def _folder() -> Path:
    installed = Path(__file__).parents[2] / "reports"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "dashboards" / "sql"
