"""Classes that a recording names: what they are called, and how they are found again.

Nothing here imports a module or runs code of a class, but for its `repr`.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MemberDescriptorType, ModuleType
from typing import Any, Final, TypeVar, cast

from pydantic import JsonValue
from pydantic_core import PydanticUndefined

T = TypeVar("T")

MAX_TEXT = 2_000

_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a `class` statement, or as if it had been
# A class with one of these may keep what its attributes do not say, or has reasons of its own.
_OWN_WAYS: Final = frozenset(
    ("__new__", "__del__", "__getattribute__", "__getstate__", "__setstate__", "__reduce__", "__reduce_ex__")
)


def guarded(run: Callable[[], T], otherwise: Callable[[Exception], T]) -> T:
    """Return what `run` returns, or what `otherwise` makes of the exception that it raised."""
    try:
        return run()
    except Exception as error:  # noqa: BLE001 - methods of foreign classes run here and may raise anything
        return otherwise(error)


def class_path(cls: type) -> str:
    """Return `module:qualname` of a class."""
    return guarded(lambda: f"{cls.__module__}:{cls.__qualname__}", lambda _: "unknown:unknown")


def describe(value: object, show: Callable[[object], str] = repr, limit: int | None = MAX_TEXT) -> str:
    """Return `show(value)`, or a note that it raised."""
    return guarded(
        lambda: str.__getitem__(show(value), slice(limit)),
        lambda error: f"<{class_path(type(value))} whose {show.__name__} raised {class_path(type(error))}>",
    )


def field_value(recorded: dict[str, Any], name: str, declared: Any) -> object:  # noqa: ANN401 - 3 classes
    """Return the value of a field, or its default if that can be had without running foreign code.

    Raises:
        LookupError: The field was not recorded and has no such default.
    """
    if name in recorded:
        return recorded[name]
    default, factory = declared.default, declared.default_factory
    if isinstance(factory, (type, BuiltinFunctionType, FunctionType)):  # such as list or Lock
        if str(factory.__module__).partition(".")[0] in sys.stdlib_module_names:
            return factory()
    elif (factory is None or factory is MISSING) and not (default is MISSING or default is PydanticUndefined):
        return copy.deepcopy(default) if type(default) in (list, dict, set) else default
    raise LookupError(f"{name} was not recorded and has no default that may be used")


def find_class(path: JsonValue, kind: type[T]) -> type[T] | None:
    """Return the class at `module:qualname` if its module is loaded and it is a `kind`, else None.

    Of a class that a function makes the newest one that is alive is meant.
    """
    module_name, _, qualname = path.partition(":") if isinstance(path, str) else ("", "", "")
    module = sys.modules.get(module_name)
    found = _names_in(module).get(qualname)  # where pydantic keeps `Box[int]`
    if found is None and "<locals>" in qualname:
        found = _living(kind, str(path))
    elif found is None:
        found = module
        for name in qualname.partition("[")[0].split("."):
            found = _names_in(found).get(name)
    bases = cast("type", found).__mro__ if issubclass(type(found), type) else ()
    # A finalizer would run on whatever fields the file chose.
    usable = kind in bases and not any("__del__" in vars(base) for base in bases)
    return cast("type[T]", found) if usable else None


def _living(kind: type, path: str) -> type | None:
    found: type | None = None
    waiting, seen = [kind], {kind}
    while waiting:
        cls = waiting.pop()
        found = cls if class_path(cls) == path else found
        below = cast("list[type]", type.__subclasses__(cls))
        new = [each for each in below if each not in seen]
        seen.update(new)
        waiting += reversed(new)  # so that they are looked at from the oldest to the newest
    return found


def _names_in(owner: object) -> Mapping[str, object]:
    # Not getattr: lazy modules and some metaclasses import when asked.
    if issubclass(type(owner), ModuleType):
        return cast("Mapping[str, object]", object.__getattribute__(owner, "__dict__"))
    if issubclass(type(owner), type):
        return cast("Mapping[str, object]", type.__getattribute__(cast("type", owner), "__dict__"))
    return {}


def is_plain(cls: type) -> bool:
    """Tell whether instances of a class are their attributes and nothing more, so that those make one again.

    Classes of the standard library are not: many stand for something outside, such as a thread or a file.
    """
    *bases, root = cls.__mro__
    package = str(type.__getattribute__(cls, "__module__")).partition(".")[0]
    if root is not object or package in sys.stdlib_module_names:
        return False
    slots = sum(isinstance(member, MemberDescriptorType) for base in bases for member in vars(base).values())
    own = any(not base.__flags__ & _HEAP_TYPE or _OWN_WAYS & vars(base).keys() for base in bases)
    words = slots + 2  # `__dict__` and `__weakref__`
    return not own and cls.__basicsize__ <= object.__basicsize__ + words * object.__basicsize__ // 2


def state_of(value: object) -> dict[str, object]:
    """Return the attributes of an instance by name, those in slots first, with none of its own code."""
    held: dict[str, object] = {}
    for name, slot in _slots_of(type(value)).items():
        with suppress(AttributeError):  # never set
            held[name] = slot.__get__(value)
    return {**held, **{name: item for name, item in _dict_of(value).items() if name[:2] != "__"}}


def set_state(instance: object, state: Mapping[str, object]) -> None:
    """Give an instance its attributes, with none of its own code.

    Raises:
        TypeError: It has no place for one of them.
    """
    slots = _slots_of(type(instance))
    for name, value in state.items():
        if name in slots:
            slots[name].__set__(instance, value)
    rest = {name: value for name, value in state.items() if name not in slots}
    own = _dict_of(instance)
    if isinstance(own, dict):
        own.update(rest)
    elif rest:
        raise TypeError(f"a {class_path(type(instance))} has no {', '.join(rest)}")


def _slots_of(cls: type) -> dict[str, MemberDescriptorType]:
    members = [item for base in reversed(cls.__mro__) for item in _names_in(base).items()]
    return {name: member for name, member in members if isinstance(member, MemberDescriptorType)}


def _dict_of(instance: object) -> Mapping[str, object]:
    try:
        found = object.__getattribute__(instance, "__dict__")
    except AttributeError:
        return MappingProxyType({})
    return found if type(found) is dict else MappingProxyType({})
