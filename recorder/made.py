"""Values of the standard library and of pydantic that are recorded as what they are made of.

Nothing is imported for it: a class that is not loaded has no values.
"""

from __future__ import annotations

from collections import ChainMap, UserDict, UserList, UserString, defaultdict, deque
from collections.abc import Callable
from datetime import timezone
from operator import index
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import JsonValue

from recorder.classes import class_path, find_class
from recorder.texts import TAG

if TYPE_CHECKING:
    from recorder.standins import JsonObject
    from recorder.values import Encoder

SHOWN_SECRET: Final = "**********"
"""What pydantic shows of a `SecretStr`, and all that is recorded of one, with redaction or without."""

_FACTORIES: Final = {each.__name__: each for each in (list, dict, set, int, float, str, tuple)}


class _Making(NamedTuple):
    """How values of a class are taken apart and made again: by `make`, or else by their class."""

    parts: Callable[[Any], tuple[object, ...]]
    make: Callable[..., object] | None = None


def _bounds(value: Any) -> tuple[object, ...]:  # noqa: ANN401 - a range or a slice
    return (value.start, value.stop, value.step)


def _text(value: object) -> tuple[object, ...]:
    return (str(value),)


def _changeable(data: object) -> bytearray:
    if not isinstance(data, bytes):
        raise TypeError("a number would be a length")
    return bytearray(data)


_MAKINGS: Final[dict[str, _Making]] = {
    "builtins:ellipsis": _Making(lambda _: (), lambda: ...),
    "builtins:range": _Making(_bounds, range),
    "builtins:slice": _Making(_bounds, slice),
    "builtins:bytearray": _Making(lambda value: (bytes(value),), _changeable),
    "builtins:mappingproxy": _Making(lambda value: (dict(value),), lambda of: MappingProxyType(dict(of))),
    "types:SimpleNamespace": _Making(lambda value: (vars(value),), lambda fields: SimpleNamespace(**fields)),
    "collections:deque": _Making(lambda value: (list(value), value.maxlen), deque),
    "collections:defaultdict": _Making(
        lambda value: (getattr(value.default_factory, "__name__", None), dict(value)),
        lambda name, items: defaultdict(_FACTORIES.get(name), items),
    ),
    "collections:ChainMap": _Making(lambda value: tuple(value.maps), ChainMap),
    "collections:UserDict": _Making(lambda value: (value.data,), UserDict),
    "collections:UserList": _Making(lambda value: (value.data,), UserList),
    "collections:UserString": _Making(lambda value: (value.data,), UserString),
    "datetime:timezone": _Making(timezone.__getinitargs__, timezone),  # type: ignore[attr-defined]  # of pickle
    "fractions:Fraction": _Making(lambda value: (value.numerator, value.denominator)),
    "pydantic.types:SecretStr": _Making(lambda _: (SHOWN_SECRET,)),
    "pydantic.types:SecretBytes": _Making(lambda _: (SHOWN_SECRET.encode(),)),
    **{
        f"ipaddress:IPv{version}{kind}": _Making(_text)
        for version in (4, 6)
        for kind in ("Address", "Network", "Interface")
    },
    **{
        f"pydantic.networks:{name}": _Making(_text)
        for name in (
            *("AnyUrl", "AnyHttpUrl", "HttpUrl", "AnyWebsocketUrl", "WebsocketUrl", "FileUrl", "FtpUrl"),
            *("PostgresDsn", "CockroachDsn", "AmqpDsn", "RedisDsn", "MongoDsn", "KafkaDsn", "NatsDsn"),
            *("MySQLDsn", "MariaDBDsn", "ClickHouseDsn", "SnowflakeDsn"),
        )
    },
}


def is_known(cls: type) -> bool:
    """Tell whether values of exactly this class are recorded as what they are made of."""
    return class_path(cls) in _MAKINGS


def encode_made(encoder: Encoder, value: object) -> JsonValue:
    """Return a value of a known class as tagged JSON."""
    path = class_path(type(value))
    return {TAG: "made", "class": path, "of": [encoder.encode(part) for part in _MAKINGS[path].parts(value)]}


def make(encoded: JsonObject, parts: list[Any]) -> object:
    """Return the value that is made of some parts.

    Raises:
        Exception: The class is unknown or not loaded, or cannot be made of them.
    """
    path = str(encoded["class"])
    making = _MAKINGS[path]
    if making.make is not None:
        return making.make(*parts)
    cls: Any = find_class(path, object)
    if path.startswith("fractions:"):
        parts = [index(part) for part in parts]  # a text could stand for a number of any length
    return cls(*parts)
