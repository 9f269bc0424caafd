"""How sessions are recorded in tests, as a project's `recording_config` fixture says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from otelstream.errors import UsageError

if TYPE_CHECKING:
    from otelstream.redact import Redactor


@dataclass(frozen=True, slots=True)
class RecordingConfig:
    """What holds for every recording that a test makes.

    Attributes:
        redact: Whether secrets are masked, a `Redactor`, or a function that masks strings; as for
            `otelstream.observe`.
        export: Whether spans and metrics of recorded sessions are exported, as they are in production.
    """

    redact: bool | Redactor | Callable[[str], str] = True
    export: bool = False


def redactor_for(redact: bool | Redactor | Callable[[str], str]) -> Redactor | None:
    """Return the rules that a `redact` argument asks for; None for the default ones, or for none at all."""
    from otelstream.redact import Redactor

    if isinstance(redact, bool):
        return None
    return redact if isinstance(redact, Redactor) else Redactor(function=redact)


def config_of(given: object) -> RecordingConfig:
    """Return the configuration that a fixture gave, as one or as a mapping of its fields.

    Raises:
        UsageError: It is neither, or names what does not exist.
    """
    if isinstance(given, RecordingConfig):
        return given
    if not isinstance(given, Mapping):
        raise UsageError(
            f"recording_config gave {given!r}; return a RecordingConfig or a dict of its fields."
        )
    known = [field.name for field in fields(RecordingConfig)]
    unknown = [str(name) for name in given if name not in known]
    if unknown:
        raise UsageError(f"recording_config has {', '.join(unknown)}; it may have {', '.join(known)}.")
    values: dict[str, Any] = dict(given)
    return RecordingConfig(**values)
