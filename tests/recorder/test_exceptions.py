"""Exceptions through JSON text and back, and what stands in for classes that are not there."""

from __future__ import annotations

import asyncio
import builtins
import copy
import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel, JsonValue

from otelstream.errors import RecordingError
from recorder.exceptions import ReplayedError, decode_exception, encode_exception
from recorder.standins import RecordedObject
from recorder.values import decode_value, encode_value

HERE = __name__


class FailedError(Exception):
    def __init__(self, *, code: int) -> None:
        super().__init__(f"failed with {code}")
        self.code = code


class UnstableError(ValueError):
    made = 0

    def __str__(self) -> str:
        UnstableError.made += 1
        return f"text {UnstableError.made}"


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class MadeError(OSError):
    def __new__(cls, *args: object) -> MadeError:
        raise AssertionError("code of the recorded class ran")


class Finalized(BaseModel):
    path: str = ""

    def __del__(self) -> None:
        pass


class Stateful:
    def __setstate__(self, state: object) -> None:
        raise AssertionError("code of the recorded class ran")


def through_json(value: object) -> Any:  # noqa: ANN401 - a value of any kind
    """Return the value after a trip through JSON text."""
    return decode_value(json.loads(json.dumps(encode_value(value))))


def facts(error: BaseException) -> tuple[object, ...]:
    """Return all that two like exceptions have in common."""
    return type(error), error.args, str(error), vars(error)


def raised(raising: Callable[[], object]) -> BaseException:
    """Return what the function raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        raising()
    return caught.value


def chained(*, explicit: bool) -> ValueError:
    """Return an exception with a cause, or else one with a context."""
    cause, error = PermissionError(1, "inner"), ValueError("outer")
    error.__context__ = cause
    if explicit:
        error.__cause__ = cause
    return error


def recorded(cls: str, *bases: str, text: str = "boom", **parts: JsonValue) -> JsonValue:
    """Return the JSON of an exception as a file could hold it."""
    return {"$type": "exception", "class": cls, "bases": list(bases), "args": [text], "text": text, **parts}


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a", 1, (2,)),
        KeyError("k"),
        FileNotFoundError(2, "No such file", "a.txt"),
        OSError(5, "I/O error", "a", None, "b"),
        ModuleNotFoundError("no m", name="m", path="/p"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        SyntaxError("bad", ("f.py", 1, 2, "x =")),
        StopIteration(3),
        asyncio.CancelledError("stop"),
        json.JSONDecodeError("bad", "{", 1),
        FailedError(code=7),
    ],
    ids=repr,
)
def test_an_exception_comes_back(error: BaseException) -> None:
    """An exception of a loaded class comes back with its type, arguments, text and attributes."""
    restored = through_json(error)

    assert facts(restored) == facts(error)


def test_attributes_that_cannot_be_kept_are_left_out() -> None:
    """An attribute of which only a description could be recorded is absent afterwards."""
    error = FailedError(code=1)
    error.lock = object()  # type: ignore[attr-defined]

    assert vars(through_json(error)) == {"code": 1}


def test_the_cause_comes_back() -> None:
    """An explicit cause comes back, and the context that it hides does not."""
    restored = through_json(chained(explicit=True))

    assert (repr(restored.__cause__), restored.__context__) == ("PermissionError(1, 'inner')", None)


def test_the_context_comes_back() -> None:
    """What was being handled when the exception was raised comes back."""
    restored = through_json(chained(explicit=False))

    assert (restored.__cause__, repr(restored.__context__)) == (None, "PermissionError(1, 'inner')")


def test_a_long_chain_is_cut() -> None:
    """A chain of thousands of exceptions is recorded as far as the depth limit goes."""
    errors = [ValueError(number) for number in range(3_000)]
    for cause, error in pairwise(errors):
        error.__cause__ = cause

    assert str(through_json(errors[-1])) == "2999"


def test_the_traceback_is_kept_for_people() -> None:
    """The recording holds the traceback as Python prints it, with the whole chain."""
    encoded: Any = encode_exception(chained(explicit=True))

    assert encoded["traceback"] == (
        "PermissionError: [Errno 1] inner\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "ValueError: outer\n"
    )


def test_a_stand_in_has_the_recorded_name_and_base() -> None:
    """An absent class gives a stand-in of its name, to be caught as ReplayedError or the nearest builtin."""
    error = type(decode_exception(recorded("absent:Shop.Error", "KeyError", "LookupError", "Exception")))

    assert (f"{error.__module__}:{error.__qualname__}", *error.__bases__) == (
        "absent:Shop.Error", ReplayedError, KeyError,
    )  # fmt: skip


def test_stand_ins_of_one_class_share_it() -> None:
    """Two errors of one absent class have one type, and their own text each."""
    one, two = (decode_exception(recorded("absent:E", text=text)) for text in "ab")

    assert (type(one), str(one), str(two)) == (type(two), "a", "b")


@pytest.mark.parametrize("cls", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_replay_cannot_exit_the_program(cls: type[BaseException]) -> None:
    """What would end the interpreter comes back as an ordinary stand-in."""
    restored = through_json(cls("x"))

    assert (type(restored).__name__, type(restored).__bases__) == (cls.__name__, (ReplayedError, Exception))


@pytest.mark.parametrize(
    ("error", "base"),
    [
        (UnstableError("x"), ValueError),
        (raised(lambda: Finalized.model_validate({"path": 1})), ValueError),
        (OSError.__new__(MadeError, "x"), OSError),
    ],
    ids=["another text", "no constructor", "own constructor"],
)
def test_text_and_base_survive_an_odd_class(error: BaseException, base: type[BaseException]) -> None:
    """A class that cannot be restored faithfully still gives the recorded text under its base."""
    encoded: Any = encode_exception(error)
    restored = decode_exception(encoded)

    assert (str(restored), isinstance(restored, base)) == (encoded["text"], True)


def test_an_unprintable_exception_is_recorded() -> None:
    """An exception whose text cannot be had is recorded with a note of that."""
    encoded: Any = encode_exception(UnprintableError())

    assert encoded["text"] == f"<{HERE}:UnprintableError whose str raised builtins:RuntimeError>"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with Python 3.11")
def test_a_group_comes_back() -> None:
    """An ExceptionGroup comes back with its members."""
    group = vars(builtins)["ExceptionGroup"]

    assert repr(through_json(group("g", [ValueError(1), FailedError(code=2)]))) == (
        "ExceptionGroup('g', [ValueError(1), FailedError('failed with 2')])"
    )


def test_bytes_before_the_start_are_not_read() -> None:
    """A crafted UnicodeDecodeError, which would crash the interpreter, becomes a stand-in."""
    data: JsonValue = {"$type": "bytes", "value": "eA=="}
    encoded = recorded(
        "builtins:UnicodeDecodeError", text="t", args=["utf-8", data, -(2**40), 1 - 2**40, "r"]
    )

    assert str(decode_exception(encoded)) == "t"


@pytest.mark.parametrize(
    ("encoded", "text"),
    [("[redacted]", "[redacted]"), ({"$type": "object", "class": "a:B", "repr": "b"}, "<recorded a:B b>")],
)
def test_a_masked_exception_is_an_exception_still(encoded: JsonValue, text: str) -> None:
    """Where a string or a description stands for the exception, something to raise comes back."""
    assert repr(decode_exception(encoded)) == f"ReplayedError({text!r})"


def test_what_is_no_exception_is_refused() -> None:
    """Anything else in the place of an exception is a damaged file."""
    with pytest.raises(RecordingError, match="holds 3 where an exception should be"):
        decode_exception(3)


FIELDS: dict[str, JsonValue] = {"title": "x"}
ABSENT: JsonValue = {"$type": "model", "class": "absent.reports:Report", "fields": FIELDS, "extra": {"n": 1}}


def test_an_absent_class_gives_a_stand_in() -> None:
    """A class whose module is not loaded comes back as its fields, readable as attributes, under its name."""
    restored = decode_value(ABSENT)

    assert (repr(restored), restored.title) == ("<recorded absent.reports:Report title='x' n=1>", "x")


def test_a_stand_in_says_what_it_lacks() -> None:
    """A missing attribute is reported with the class, the known fields and the remedy."""
    with pytest.raises(AttributeError, match=r"absent\.reports:Report .* 'total' .* \(title, n\); import"):
        _ = decode_value(ABSENT).total


def test_a_stand_in_is_data() -> None:
    """A stand-in can be copied like any data, and not called."""
    restored = decode_value(ABSENT)

    assert (copy.deepcopy(restored), callable(restored)) == (restored, False)


@pytest.mark.parametrize(
    "encoded",
    [ABSENT, {"$type": "from the future", "x": [1]}, recorded("a:E", "Exception", attributes={"b": 1})],
)
def test_a_stand_in_is_recorded_as_it_was_read(encoded: JsonValue) -> None:
    """Recording a replayed stand-in gives the JSON it came from."""
    assert encode_value(decode_value(encoded)) == encoded


def test_nothing_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that could be imported is not, even when a file names it."""
    (tmp_path / "never_loaded.py").write_text("class Report: pass")
    monkeypatch.syspath_prepend(tmp_path)
    decode_value({"$type": "dataclass", "class": "never_loaded:Report", "fields": {}})

    assert "never_loaded" not in sys.modules


def test_a_lazy_module_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded module's own attribute hook, which may import, is not run."""
    module = ModuleType("lazy")
    monkeypatch.setattr(module, "__getattr__", lambda name: pytest.fail(f"asked for {name}"), raising=False)
    monkeypatch.setitem(sys.modules, "lazy", module)

    assert decode_value({"$type": "model", "class": "lazy:A", "fields": {}}) == RecordedObject("lazy:A", {})


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("model", "os:system"),
        ("model", f"{HERE}:Finalized"),
        ("model", f"{HERE}:Finalized.model_dump"),
        ("model", "no colon"),
        ("dataclass", "subprocess:Popen"),
        ("dataclass", "builtins:object"),
        ("enum", f"{HERE}:FailedError"),
        ("instance", "subprocess:Popen"),
        ("instance", "threading:Thread"),
        ("instance", f"{HERE}:Finalized"),
        ("instance", f"{HERE}:Stateful"),
    ],
)
def test_a_class_of_another_kind_is_not_made(kind: str, path: str) -> None:
    """Only a class of the recorded kind, and none with a finalizer, is ever instantiated."""
    named: dict[str, JsonValue] = {"$type": kind, "class": path, "fields": {"path": "x"}}
    encoded: JsonValue = {**named, "fields_set": [], "extra": None, "private": {}}

    assert decode_value(encoded) == RecordedObject(path, {"path": "x"})


def made_in_a_function() -> type[BaseModel]:
    """A class that nobody can import."""

    class Local(BaseModel):
        n: int

    return Local


def test_a_local_class_is_found_while_it_is_there() -> None:
    """Of a class that a function makes an instance is of the newest class that the function made."""
    old, new = made_in_a_function(), made_in_a_function()

    assert type(through_json(old(n=1))) is new


def test_a_local_class_that_is_gone_gives_a_stand_in() -> None:
    """A class made inside a function of another process is stood in for."""
    path = f"{HERE}:elsewhere.<locals>.Local"
    encoded: JsonValue = {"$type": "model", "class": path, "fields": {"n": 1}, "fields_set": ["n"]}

    assert decode_value(encoded) == RecordedObject(path, {"n": 1})


def test_keys_of_an_absent_class_stay_usable() -> None:
    """A set whose items have lost their class, and with it their hash, is a set still."""
    lost: JsonValue = {"$type": "subclass", "class": "absent:HashableList", "value": [1]}

    stand_in = RecordedObject("absent:HashableList", {"value": [1]})
    assert decode_value({"$type": "set", "items": [lost]}) == {stand_in}
