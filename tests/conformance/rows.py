"""Every field of every event, walked from the structs of the protocol, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from msgspec import UNSET, Struct, inspect

from vivavoce.protocol import CLIENT_EVENT_TYPES, SERVER_EVENT_TYPES
from vivavoce.protocol.base import NOT_FROM_GA_CLIENTS

Mount = Callable[[dict[str, Any]], dict[str, Any]]
"""From an object of a struct to the whole event that holds it."""


@dataclass(frozen=True)
class Field:
    """One field of one event.

    Attributes:
        event: type of the event.
        path: where the field stands in it; ``[tag]`` follows a choice, ``[]`` a list.
        struct: whose field it is, as its class is called.
        name: of the field.
        type: as msgspec describes it.
        mount: from an object of `struct` to the event; none for events of the server.
    """

    event: str
    path: str
    struct: str
    name: str
    type: inspect.Type
    mount: Mount


@cache
def described(cls: Any) -> Any:
    """What msgspec says of a struct."""
    return inspect.type_info(cls)


def options_of(type_: inspect.Type) -> list[inspect.Type]:
    """The alternatives of a type, without wrappers."""
    match type_:
        case inspect.Metadata(type=inner):
            return options_of(inner)
        case inspect.UnionType(types=types):
            return [option for each in types for option in options_of(each)]
    return [type_]


def foreign(type_: inspect.Type) -> bool:
    """Whether only the beta dialect has this field."""
    match type_:
        case inspect.Metadata(extra=extra, type=inner):
            return extra == NOT_FROM_GA_CLIENTS.extra or foreign(inner)
        case inspect.UnionType(types=types):
            return any(map(foreign, types))
    return False


def _walk(
    event: str, cls: type[Struct], path: str, mount: Mount, examples: dict[str, Any]
) -> Iterator[Field]:
    info = described(cls)
    for each in info.fields:
        name = each.encode_name
        where = f"{path}.{name}" if path else name
        yield Field(event, where, cls.__name__, name, each.type, mount)
        for option in options_of(each.type):
            in_list = isinstance(option, inspect.ListType)
            inner = options_of(option.item_type) if isinstance(option, inspect.ListType) else [option]
            for struct in inner:
                if not isinstance(struct, inspect.StructType):
                    continue
                tag = described(struct.cls).tag
                deeper = where + ("[]" if in_list else "") + (f"[{tag}]" if tag else "")
                yield from _walk(
                    event,
                    struct.cls,
                    deeper,
                    _mounted(mount, cls.__name__, name, in_list, examples),
                    examples,
                )


def _mounted(mount: Mount, struct: str, name: str, in_list: bool, examples: dict[str, Any]) -> Mount:
    def deeper(value: dict[str, Any]) -> dict[str, Any]:
        return mount({**examples.get(struct, {}), name: [value] if in_list else value})

    return deeper


def client_fields(examples: dict[str, Any]) -> list[Field]:
    """Every field of what a client may send.

    Args:
        examples: an object for each struct that cannot be empty, by the name of its class.
    """
    return [
        each
        for event, cls in CLIENT_EVENT_TYPES.items()
        for each in _walk(event, cls, "", lambda value, event=event: {"type": event, **value}, examples)  # type: ignore[misc]
    ]


def server_fields() -> list[Field]:
    """Every field of what a server may say."""
    return [
        each
        for event, cls in SERVER_EVENT_TYPES.items()
        for each in _walk(event, cls, "", lambda value: value, {})
    ]


def fields_in(event: dict[str, Any]) -> set[str]:
    """The paths of the fields of a server's event, in the words of `Field.path`."""
    cls = SERVER_EVENT_TYPES[event["type"]]
    return set(_present(event, [described(cls)], ""))


def _present(value: dict[str, Any], structs: list[Any], path: str) -> Iterator[str]:
    struct = next((s for s in structs if s.tag is None or s.tag == value.get("type")), None)
    if struct is None:
        return
    for each in struct.fields:
        if each.encode_name not in value:
            continue
        where = f"{path}.{each.encode_name}" if path else each.encode_name
        yield where
        member = value[each.encode_name]
        members = member if isinstance(member, list | tuple) else [member]
        for option in options_of(each.type):
            inner = options_of(option.item_type) if isinstance(option, inspect.ListType) else [option]
            mark = "[]" if isinstance(option, inspect.ListType) else ""
            for choice in inner:
                if isinstance(choice, inspect.StructType):
                    info: Any = described(choice.cls)
                    tag = f"[{info.tag}]" if info.tag else ""
                    for one in members:
                        if isinstance(one, dict) and (info.tag is None or info.tag == one.get("type")):
                            yield from _present(one, [info], where + mark + tag)


__all__ = ["UNSET", "Field", "client_fields", "fields_in", "foreign", "options_of", "server_fields"]
