"""What `@pytest.mark.recording(...)` says of a test; of several markers the closest one prevails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

from otelstream.errors import UsageError
from recorder.cassettes.layout import LONGEST
from recorder.cassettes.mode import MODES, Mode

if TYPE_CHECKING:
    from otelstream.redact import Redactor

SERVABLE = frozenset({"llm", "tools"})


class MarkLike(Protocol):
    """What is used of a `pytest.Mark`."""

    @property
    def args(self) -> tuple[Any, ...]:
        """What was given by position."""

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """What was given by name."""


@dataclass(frozen=True, slots=True)
class Marker:
    """The arguments of the marker.

    Attributes:
        name: Name of the recording, or its file; None for the test's own name.
        mode: The mode, where the command line says none.
        redact: As for `otelstream.observe`; None for what the configuration says.
        serve: What is served from the recording while the test's own code runs again; None to replay.
    """

    name: str | None = None
    mode: Mode | None = None
    redact: bool | Redactor | Callable[[str], str] | None = None
    serve: frozenset[str] | None = None


def marker_of(marks: Iterable[MarkLike]) -> Marker:
    """Return what the markers of a test say together.

    Args:
        marks: The markers, the closest first.

    Raises:
        UsageError: One of them says something that cannot be.
    """
    said: dict[str, Any] = {}
    for mark in marks:
        said = {**_arguments(mark), **said}
    if "serve" in said and said["serve"] is not None:
        said["serve"] = _servable(said["serve"])
    return Marker(**said)


def _arguments(mark: MarkLike) -> dict[str, Any]:
    known = [field.name for field in fields(Marker)]
    if len(mark.args) > 1 or (mark.args and "name" in mark.kwargs):
        raise UsageError("the marker `recording` takes one name; give all else as mode=, redact= or serve=.")
    given = {**({"name": mark.args[0]} if mark.args else {}), **mark.kwargs}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UsageError(f"the marker `recording` has {', '.join(unknown)}; it may have {', '.join(known)}.")
    name, mode = given.get("name"), given.get("mode")
    if name is not None and not _may_be_file(name):
        raise UsageError(
            f"the marker `recording` has the name {name!r}; give a text that files may have for a name, of"
            f" {LONGEST} bytes at most, or none."
        )
    if mode is not None and mode not in MODES:
        raise UsageError(f"the marker `recording` has the mode {mode!r}; it is one of {', '.join(MODES)}.")
    return given


def _may_be_file(name: object) -> bool:
    return (
        isinstance(name, str)
        and bool(name.strip())
        and name.isprintable()  # which surrogates are not, either
        and all(len(part.encode()) <= LONGEST for part in name.split("/"))
    )


def _servable(serve: object) -> frozenset[str]:
    kinds = frozenset(serve) if isinstance(serve, (set, frozenset, list, tuple)) else None
    if kinds is None or not kinds <= SERVABLE:
        raise UsageError(
            f"the marker `recording` has serve={serve!r}; give a set of {' and '.join(sorted(SERVABLE))},"
            " empty to serve nothing."
        )
    return kinds
