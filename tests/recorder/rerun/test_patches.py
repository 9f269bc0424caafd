"""Functions of classes and modules that are replaced, and put back."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import pytest

from recorder.rerun.seam.patches import Patches

pytestmark = pytest.mark.crewai  # the folder imports it


def shouting(original: Callable[..., str]) -> Callable[..., str]:
    """The same, louder."""
    return lambda *args: original(*args).upper()


class Base:
    """A family's first."""

    def say(self) -> str:
        """Say who it is."""
        return "base"

    @staticmethod
    def shared() -> str:
        """Say it without an instance."""
        return "static"

    @classmethod
    def of_class(cls) -> str:
        """Say it of the class."""
        return cls.__name__


class Child(Base):
    """One of its own mind."""

    def say(self) -> str:
        """Say who it is."""
        return "child"


class Grandchild(Child):
    """One that follows."""


def test_functions_stay_what_they_are() -> None:
    """A static method static, a class method bound to its class, an inherited one inherited again."""
    patches = Patches()
    module = types.ModuleType("module")
    vars(module)["speak"] = lambda: "module"
    for owner, name in ((Base, "shared"), (Base, "of_class"), (Grandchild, "say"), (module, "speak")):
        patches.put(owner, name, shouting)

    during = (Base.shared(), Child.of_class(), Grandchild().say(), Child().say(), module.speak())
    patches.undo()

    assert during == ("STATIC", "CHILD", "CHILD", "child", "MODULE")
    assert (Base.shared(), Child.of_class(), Grandchild().say(), module.speak()) == (
        "static",
        "Child",
        "child",
        "module",
    )
    assert "say" not in vars(Grandchild)


def test_a_family_is_replaced_where_it_defines() -> None:
    """In the base, in subclasses, and in those that are made meanwhile; each once."""
    patches = Patches()
    patches.put_in_family(Base, ("say",), lambda _: shouting)

    class Late(Child):
        def say(self) -> str:
            return f"late {super().say()}"

    during = (Base().say(), Child().say(), Grandchild().say(), Late().say())
    patches.undo()

    assert during == ("BASE", "CHILD", "CHILD", "LATE CHILD")
    assert (Base().say(), Child().say(), Late().say()) == ("base", "child", "late child")
    assert "__init_subclass__" not in vars(Base)


def test_a_family_keeps_its_own_ways() -> None:
    """A base that does something with its subclasses goes on doing it."""
    made: list[tuple[str, Any]] = []

    class Counting:
        def __init_subclass__(cls, *, label: str = "", **kwargs: Any) -> None:  # noqa: ANN401 (any)
            super().__init_subclass__(**kwargs)
            made.append((cls.__name__, label))

    patches = Patches()
    patches.put_in_family(Counting, ("say",), lambda _: shouting)

    class One(Counting, label="first"):
        def say(self) -> str:
            return "one"

    during = One().say()
    patches.undo()

    class Two(Counting, label="second"):
        """Made after it."""

    assert (during, One().say()) == ("ONE", "one")
    assert made == [("One", "first"), ("Two", "second")]


def test_what_there_is_not_cannot_be_replaced() -> None:
    """A typing error, or another version."""
    with pytest.raises(AttributeError, match="mutter"):
        Patches().put(Base, "mutter", shouting)
