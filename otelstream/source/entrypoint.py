"""`module:flow` to a stream session of that flow."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from otelstream.errors import EntryPointError
from otelstream.source.session import SyncSession
from otelstream.span.rules import Pair


@runtime_checkable
class Streams(Protocol):
    """What can be run: a CrewAI Flow (`crewai.flow.runtime`)."""

    def stream_events(self, inputs: dict[str, Any] | None = None) -> SyncSession:
        """Start a run, and return its frames."""


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """What `module:attribute` names.

    Attributes:
        name: The name itself.
        found: A flow, or what makes one when it is called: a class or a function.
    """

    name: str
    found: object

    @property
    def is_object(self) -> bool:
        """Whether it is one flow, the same each time it is asked for."""
        return isinstance(self.found, Streams) and not isinstance(self.found, type)

    def make(self) -> Streams:
        """Return the flow: the object, or a new one.

        Raises:
            EntryPointError: Making it failed, or it is no flow.
        """
        found = self.found
        flow = found if self.is_object or not callable(found) else _made(found, self.name)
        if not isinstance(flow, Streams):
            raise EntryPointError(
                f"{self.name} is a {type(flow).__name__}, not a CrewAI Flow; name a Flow class or object."
            )
        return flow


def entry_point(name: str) -> EntryPoint:
    """Return what `module:attribute` names; the current directory is searched first, as `python -m` does.

    Raises:
        EntryPointError: There is no such module or attribute, or importing it failed.
    """
    return EntryPoint(name, _found(name, "flow", "MODULE:FLOW, for example app.flows:MyFlow"))


def load(name: str) -> Streams:
    """Return the flow that `module:attribute` names: an instance, a class, or a function that makes one.

    Raises:
        EntryPointError: There is no such module or attribute, importing it failed, or it is no flow.
    """
    return entry_point(name).make()


def load_rows(name: str) -> tuple[Pair, ...]:
    """Return the rows for the span table that `module:attribute` names: a `Pair`, or several.

    Raises:
        EntryPointError: There is no such module or attribute, importing it failed, or it holds no rows.
    """
    found = _found(name, "rows", "MODULE:NAME, for example app.tracing:ROWS")
    rows = (found,) if isinstance(found, Pair) else tuple(found) if isinstance(found, Iterable) else ()
    if not rows or not all(isinstance(row, Pair) for row in rows):
        raise EntryPointError(f"{name} holds no rows; make it a tuple of otelstream.span.rules.Pair.")
    return rows


def start(flow: Streams, inputs: Mapping[str, Any]) -> Any:  # noqa: ANN401  CrewAI's StreamSession
    """Return the session of a run of the flow with those inputs."""
    return flow.stream_events(inputs=dict(inputs) or None)


def _found(name: str, what: str, form: str) -> object:
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise EntryPointError(f"{name!r} names no {what}; write it as {form}.")
    return _attribute(_module(module_name, name), attribute, name)


def _module(module_name: str, name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if module_name == missing or module_name.startswith(missing + "."):
            raise EntryPointError(
                f"{name} cannot be imported: there is no module {missing!r} here."
            ) from None
        raise EntryPointError(f"{name} cannot be imported: it needs the module {missing!r}.") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  importing a user's module runs their code
        raise EntryPointError(f"{name} cannot be imported: {type(error).__name__}: {error}") from None


def _made(factory: Callable[[], object], name: str) -> object:
    try:
        return factory()
    except (Exception, SystemExit) as error:  # noqa: BLE001  a user's code
        raise EntryPointError(f"{name} cannot be made: {type(error).__name__}: {error}") from None


def _attribute(module: ModuleType, attribute: str, name: str) -> object:
    try:
        return attrgetter(attribute)(module)
    except AttributeError as error:
        raise EntryPointError(f"{name} cannot be found: {error}; check its name.") from None
