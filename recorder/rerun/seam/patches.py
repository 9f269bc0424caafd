"""Replaces functions of classes and modules, and puts them back; knows nothing of what it replaces."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, TypeAlias

Wrap: TypeAlias = Callable[[Any], Any]
"""Makes the function that stands in for an original."""

_ABSENT: Final = object()


class Patches:
    """What was replaced, in order. What it puts in must do as the original does outside of a re-execution."""

    def __init__(self) -> None:
        self._put: list[tuple[type | ModuleType, str, Any]] = []

    def put(self, owner: type | ModuleType, name: str, wrap: Wrap) -> None:
        """Replace a function of a class or a module, one of a class as the kind of method that it is.

        Raises:
            AttributeError: There is none.
        """
        held = vars(owner).get(name, _ABSENT)
        kind = type(held) if isinstance(held, staticmethod | classmethod) else None
        original = getattr(owner, name) if held is _ABSENT else held.__func__ if kind else held
        self._set(owner, name, kind(wrap(original)) if kind else wrap(original))

    def put_in_family(self, base: type, names: tuple[str, ...], wrap: Callable[[str], Wrap]) -> None:
        """Replace methods wherever a class of a family defines them, also in classes to come."""
        held = vars(base).get("__init_subclass__")
        parent = next(
            vars(cls)["__init_subclass__"] for cls in base.__mro__[1:] if "__init_subclass__" in vars(cls)
        )

        def put_in(cls: type) -> None:
            for name in names:
                if name in vars(cls) and not getattr(vars(cls)[name], "__isabstractmethod__", False):
                    self.put(cls, name, wrap(name))

        def init_subclass(cls: type, /, **settings: Any) -> None:  # noqa: ANN401  pydantic's
            if held is None:
                parent.__get__(cls)(**settings)
            else:
                held.__func__(cls, **settings)
            put_in(cls)

        for cls in _family(base):
            put_in(cls)
        self._set(base, "__init_subclass__", classmethod(init_subclass))

    def undo(self) -> None:
        """Put everything back, the last first."""
        while self._put:
            owner, name, held = self._put.pop()
            if held is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, held)

    def _set(self, owner: type | ModuleType, name: str, value: Any) -> None:  # noqa: ANN401  a function or method
        self._put.append((owner, name, vars(owner).get(name, _ABSENT)))
        setattr(owner, name, value)


def _family(base: type) -> list[type]:
    found: list[type] = [base]
    for cls in found:  # and those that are added meanwhile
        subclasses: list[type] = type.__subclasses__(cls)
        found += [each for each in subclasses if each not in found]
    return found
