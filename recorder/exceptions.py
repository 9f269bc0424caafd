"""Exceptions as tagged JSON and back, and what stands in for one whose class is not there.

Nothing here imports a module or runs a constructor that is not the interpreter's own.
"""

from __future__ import annotations

import builtins
import traceback
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from pydantic import JsonValue

from otelstream.errors import RecordingError
from recorder.classes import class_path, describe, find_class, guarded
from recorder.standins import JsonObject, RecordedObject
from recorder.validation import encode_validation, make_validation

if TYPE_CHECKING:
    from recorder.values import Encoder

E = TypeVar("E", bound=BaseException)

_EXITS = (SystemExit, KeyboardInterrupt, GeneratorExit)  # a replay must not end the program
# What these keep in neither `args` nor `__dict__`. UnicodeError is not here: it trusts its slots blindly.
_SLOTS: dict[type[BaseException], tuple[str, ...]] = {
    OSError: ("filename", "filename2"),
    ImportError: ("name", "path"),
    AttributeError: ("name",),
    NameError: ("name",),
}


class ReplayedError(Exception):
    """A recorded exception whose class could not be restored; a subclass of the builtin it derived from.

    Attributes:
        class_path: `module:qualname` of the recorded class.
        recorded_text: What `str` of the recorded exception was, and of this one is.
        recorded_json: The JSON it was read from, so that recording a replay changes nothing.
    """

    class_path = "recorder.exceptions:ReplayedError"
    recorded_text: str | None = None
    recorded_json: JsonObject | None = None

    def __str__(self) -> str:
        return super().__str__() if self.recorded_text is None else self.recorded_text


def encode_exception(error: BaseException) -> JsonValue:
    """Return an exception as tagged JSON: class, builtin bases, args, text, attributes, causes, traceback.

    Never raises. Attributes of which only a description could be kept are left out.
    """
    from recorder.values import Encoder  # values builds on this module

    return Encoder().encode(error)


def decode_exception(encoded: JsonValue) -> BaseException:
    """Return an exception with the recorded type, args, text, attributes and causes.

    If the class is not loaded, cannot be restored, or would end the program (`SystemExit`), a
    `ReplayedError` that also derives from the nearest builtin exception stands in for it.

    Raises:
        RecordingError: The JSON is nothing that `encode_exception` makes.
    """
    from recorder.values import decode_value  # values builds on this module

    value = decode_value(encoded)
    if isinstance(value, BaseException):
        return value
    if isinstance(value, (str, RecordedObject)):  # masked, or too broken to be recorded as an exception
        return ReplayedError(describe(value, str, None))
    raise RecordingError(f"A recording holds {describe(value)} where an exception should be; it is damaged.")


def encode_error(encoder: Encoder, error: BaseException) -> JsonValue:
    """Return an exception that may be part of another value as tagged JSON."""
    if isinstance(error, ReplayedError) and error.recorded_json is not None:
        return error.recorded_json
    bases = type(error).__mro__
    suppressed = bool(_get(error, "__suppress_context__"))
    inside = guarded(lambda: encode_validation(encoder, error), lambda _: None)
    return {
        **({} if inside is None else {"validation": inside}),
        "$type": "exception",
        "class": class_path(type(error)),
        "bases": [base.__name__ for base in bases if _is_builtin(base) and base is not object],
        "args": [encoder.encode(argument) for argument in cast("tuple[object, ...]", _get(error, "args"))],
        "text": describe(error, str, None),
        "attributes": encoder.encode_names(cast("dict[str, object]", _get(error, "__dict__"))),
        "slots": encoder.encode_names(_slots(error)),
        "cause": encoder.encode(_get(error, "__cause__")),
        "context": None if suppressed else encoder.encode(_get(error, "__context__")),
        "suppress_context": suppressed,
        "traceback": guarded(lambda: _traceback(error, len(encoder.enclosing) == 1), lambda _: ""),
    }


def _traceback(error: BaseException, outermost: bool) -> str:
    # The outermost one tells the whole story as Python prints it; the others only their own part.
    return "".join(traceback.format_exception(type(error), error, error.__traceback__, chain=outermost))


class _Record(NamedTuple):
    """The decoded parts of a recorded exception."""

    text: str
    args: tuple[object, ...]
    attributes: dict[str, object]
    slots: dict[str, object]


def decode_error(encoded: JsonObject, decode: Callable[[JsonValue], object]) -> BaseException:
    """Return the exception of one tagged dict; `decode` restores the values inside it."""

    def names(key: str) -> dict[str, object]:
        part = encoded.get(key)
        return {name: decode(item) for name, item in part.items()} if isinstance(part, dict) else {}

    args = encoded.get("args", [])
    decoded = tuple(decode(item) for item in (args if isinstance(args, list) else [args]))
    record = _Record(str(encoded.get("text", "")), decoded, names("attributes"), names("slots"))
    restored = _restore(encoded.get("class"), record)
    if "validation" in encoded:
        restored = guarded(
            lambda: make_validation(encoded["validation"], decode, record.text), lambda _: None
        )
    error = _stand_in(encoded, record) if restored is None else restored
    for name in ("__cause__", "__context__"):
        part = encoded.get(name.strip("_"))
        linked = error if _is_itself(part, encoded) else decode(part)
        if isinstance(linked, BaseException):  # not where the chain was too long to be recorded
            _set(error, name, linked)
    _set(error, "__suppress_context__", encoded.get("suppress_context") is True)
    return error


def _is_itself(part: JsonValue, encoded: JsonObject) -> bool:
    # What `raise error from error` makes, as CrewAI's OpenAI provider does.
    path = encoded.get("class")
    return part == {"$type": "object", "class": path, "repr": f"<{path} contains itself>"}


def _restore(path: JsonValue, record: _Record) -> BaseException | None:
    cls = find_class(path, BaseException)
    if cls is None or issubclass(cls, _EXITS):
        return None
    error = guarded(lambda: _rebuild(cls, record), lambda _: None)
    return error if error is not None and describe(error, str, None) == record.text else None


def _rebuild(cls: type[E], record: _Record) -> E:
    numbers = [item for item in record.args if isinstance(item, int)]
    if issubclass(cls, UnicodeError) and min(numbers, default=0) < 0:
        raise ValueError("CPython would read before the start of the bytes")
    base: Any = next(base for base in cls.__mro__ if _is_builtin(base))
    error: E = base.__new__(cls, *record.args)
    if type(error) is not cls:  # OSError and the groups choose their own subclass
        raise TypeError(f"{base} made a {type(error)}")
    guarded(lambda: base.__init__(error, *record.args), lambda _: None)  # fills errno and the like
    _set(error, "args", record.args)
    cast("dict[str, object]", _get(error, "__dict__")).update(record.attributes)
    for owner, names in _SLOTS.items():
        for name in record.slots.keys() & set(names) if issubclass(cls, owner) else ():
            vars(owner)[name].__set__(error, record.slots[name])
    return error


def _stand_in(encoded: JsonObject, record: _Record) -> ReplayedError:
    bases = encoded.get("bases")
    path, base = str(encoded.get("class", "")), _nearest_builtin(bases if isinstance(bases, list) else [])
    cls: type[ReplayedError] = guarded(lambda: _stand_in_class(path, base), lambda _: ReplayedError)
    error = guarded(lambda: _rebuild(cls, record), lambda _: cls.__new__(cls))
    _set(error, "args", record.args)
    vars(error).update(class_path=path, recorded_text=record.text, recorded_json=encoded)
    return error


def _nearest_builtin(names: list[JsonValue]) -> str:
    for name in names:
        base = vars(builtins).get(name) if isinstance(name, str) else None
        # A group cannot be made without its members, so it counts as what it derives from.
        if isinstance(base, type) and issubclass(base, Exception) and not base.__name__.endswith("Group"):
            return base.__name__
    return "Exception"


@lru_cache(maxsize=256)  # two errors of one class get one class
def _stand_in_class(path: str, base: str) -> type[ReplayedError]:
    module, _, qualname = path.partition(":")
    bases: tuple[type, ...] = (ReplayedError, vars(builtins)[base])
    names: dict[str, Any] = {"__module__": module, "__qualname__": qualname, "class_path": path}
    return cast("type[ReplayedError]", type(qualname.rpartition(".")[2], bases, names))


def _is_builtin(cls: type) -> bool:
    return vars(builtins).get(cls.__name__) is cls


def _slots(error: BaseException) -> dict[str, object]:
    held = {
        name: getattr(error, name) for owner in _SLOTS if isinstance(error, owner) for name in _SLOTS[owner]
    }
    return {name: value for name, value in held.items() if value is not None}  # OSError would show the None


# BaseException's own descriptors: a subclass may have put properties in their place.
def _get(error: BaseException, name: str) -> object:
    return vars(BaseException)[name].__get__(error)


def _set(error: BaseException, name: str, value: object) -> None:
    vars(BaseException)[name].__set__(error, value)
