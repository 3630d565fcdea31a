"""What every wire struct is made of.

A field that may be absent has the type ``X | UnsetType`` and the default `UNSET`; it is written only when
it has a value. JSON ``null`` is ``None`` and is written. The two differ: ``turn_detection: null`` turns
detection off, leaving the field out keeps it as it was.
"""

from typing import ClassVar, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

__all__ = [
    "NOT_FROM_GA_CLIENTS",
    "UNSET",
    "Tagged",
    "UnsetType",
    "Wire",
    "at_least",
    "at_most",
    "between",
    "present",
    "replace",
]

T = TypeVar("T")
D = TypeVar("D")


class Wire(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """A JSON object of the Realtime API: immutable, built by keyword.

    Attributes:
        verbatim: the JSON text that it is written as, where it is passed on as it came (`codec.relayed`); it
            may say more than the fields do. No field: equality, `replace` and the `repr` know nothing of it.
    """

    verbatim: ClassVar[str | None] = None


class WireName:
    """Reads the wire name of a tagged struct, on the class and on its instances."""

    def __get__(self, instance: object, owner: type[Struct]) -> str:
        return str(owner.__struct_config__.tag)


class Tagged(Wire, frozen=True, kw_only=True, tag_field="type"):
    """A JSON object that says in its field ``type`` what it is.

    Attributes:
        type: the wire name, for example ``"session.update"``; cannot be set.
    """

    type: ClassVar[WireName] = WireName()


def present(value: T | UnsetType, default: D) -> T | D:
    """Return `value`, or `default` where the field was absent; ``None`` counts as present."""
    return default if isinstance(value, UnsetType) else value


# The limits below bind what clients ask of a server, and only `shapes.check` applies them. Written as msgspec
# constraints they would also bind what servers report, and a server with wider limits could not be read.


def between(minimum: float, maximum: float) -> Meta:
    """Limit a number that a client sends to `minimum`..`maximum`, both included."""
    return Meta(extra={"minimum": minimum, "maximum": maximum})


def at_least(minimum: float) -> Meta:
    """Limit a number that a client sends to `minimum` and above."""
    return Meta(extra={"minimum": minimum})


def at_most(length: int) -> Meta:
    """Limit a string (characters) or an object (entries) that a client sends to `length`."""
    return Meta(extra={"max_length": length})


NOT_FROM_GA_CLIENTS = Meta(extra={"dialect": "beta"})
"""Marks a field that no client of the GA API may send: `shapes.check` does not know it."""
