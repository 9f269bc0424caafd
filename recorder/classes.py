"""Classes that a recording names: what they are called, and how they are found again.

Nothing here imports a module or runs code of a class, but for its `repr`.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, TypeVar, cast

from pydantic import JsonValue
from pydantic_core import PydanticUndefined

T = TypeVar("T")

MAX_TEXT = 2_000


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
    """Return the class at `module:qualname` if its module is loaded and it is a `kind`, else None."""
    module_name, _, qualname = path.partition(":") if isinstance(path, str) else ("", "", "")
    module = sys.modules.get(module_name)
    found = _names_in(module).get(qualname)  # where pydantic keeps `Box[int]`
    if found is None:
        found = module
        for name in qualname.partition("[")[0].split("."):
            found = _names_in(found).get(name)
    bases = cast("type", found).__mro__ if issubclass(type(found), type) else ()
    # A finalizer would run on whatever fields the file chose.
    usable = kind in bases and not any("__del__" in vars(base) for base in bases)
    return cast("type[T]", found) if usable else None


def _names_in(owner: object) -> Mapping[str, object]:
    # Not getattr: lazy modules and some metaclasses import when asked.
    if issubclass(type(owner), ModuleType):
        return cast("Mapping[str, object]", object.__getattribute__(owner, "__dict__"))
    if issubclass(type(owner), type):
        return cast("Mapping[str, object]", type.__getattribute__(cast("type", owner), "__dict__"))
    return {}
