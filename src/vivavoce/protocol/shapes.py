"""Compares plain JSON values with the wire structs.

`check` is strict and says exactly what is wrong and where, as a server must towards its clients.
`without_stray_nulls` is forgiving: to clients and servers that write ``null`` for what they leave out.
"""

import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, NoReturn, get_args, get_origin

from msgspec import Struct, inspect, structs

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol.base import NOT_FROM_GA_CLIENTS

__all__ = ["MAX_DEPTH", "check", "refuse_choice", "type_of", "without_stray_nulls"]

MAX_DEPTH = 64
"""Levels of nesting that free-form JSON, such as a tool's parameters, may have."""

_LARGEST = 2**63
_LONGEST_QUOTE = 100


@cache
def type_of(annotation: Any) -> inspect.Type:
    """Return msgspec's description of a struct or of a union of structs."""
    return inspect.type_info(annotation)


@cache
def _fields(struct: type[Struct]) -> Mapping[str, inspect.Field]:
    description = type_of(struct)
    assert isinstance(description, inspect.StructType)
    declared = {field.name: list(_literals(field.type)) for field in structs.fields(struct)}
    return {
        field.encode_name: structs.replace(field, type=_as_declared(field.type, declared[field.name]))
        for field in description.fields
        if not any(_is_foreign(option) for option in _options(field.type))
    }


def _is_foreign(option: inspect.Type) -> bool:
    """Return whether this is the type of a field that GA clients may not send."""
    return isinstance(option, inspect.Metadata) and option.extra == NOT_FROM_GA_CLIENTS.extra


def _literals(annotation: object) -> Iterator[object]:
    for argument in get_args(annotation):
        if get_origin(annotation) is Literal:
            yield argument
        else:
            yield from _literals(argument)


def _as_declared(type_: inspect.Type, declared: Sequence[object]) -> inspect.Type:
    """Put literals, which msgspec sorts, back into the order of their declaration: errors list them."""
    match type_:
        case inspect.LiteralType(values=values):
            return inspect.LiteralType(values=tuple(sorted(values, key=declared.index)))
        case inspect.ListType(item_type=item_type):
            return structs.replace(type_, item_type=_as_declared(item_type, declared))
        case inspect.UnionType(types=types):
            return inspect.UnionType(types=tuple(_as_declared(option, declared) for option in types))
    return type_


def check(value: object, expected: inspect.Type, path: str = "") -> None:
    """Check that a JSON value has the shape of a wire struct, within the limits that bind clients.

    Args:
        value: what was sent: ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``.
        expected: its type, from `type_of`.
        path: where the value stands, for example ``"session.audio"``; empty for a whole event.

    Raises:
        RemoteProtocolError: on the first thing that is wrong. Its `code` is ``unknown_parameter``,
            ``missing_required_parameter``, ``invalid_type`` or ``invalid_value``, its `param` the path.
    """
    option = _choose(value, expected)
    if option is None:
        _refuse(value, _options(expected), path)
    inner = option.type if isinstance(option, inspect.Metadata) else option
    look_inside = _INSIDES.get(type(inner))
    if look_inside is not None:
        look_inside(value, inner, path)
    if isinstance(option, inspect.Metadata):
        _check_limits(value, option.extra or {}, path)


def without_stray_nulls(value: Any, expected: inspect.Type, *, of_required: bool = True) -> Any:
    """Return a JSON value without those ``null`` members that its struct does not know as such.

    Args:
        value: JSON.
        expected: the struct, or a union of structs.
        of_required: drop those of required fields, too; else they stay, to be told of as wrong.
    """
    option = _choose(value, expected)
    if isinstance(option, inspect.StructType):
        fields = _fields(option.cls)

        def stays(name: str, member: object) -> bool:
            if member is not None or name not in fields or _choose(None, fields[name].type) is not None:
                return True
            return fields[name].required and not of_required

        return {
            name: without_stray_nulls(member, fields[name].type, of_required=of_required)
            if name in fields
            else member
            for name, member in value.items()
            if stays(name, member)
        }
    if isinstance(option, inspect.ListType):
        return [without_stray_nulls(entry, option.item_type, of_required=of_required) for entry in value]
    return value


def _options(expected: inspect.Type) -> Sequence[inspect.Type]:
    return expected.types if isinstance(expected, inspect.UnionType) else (expected,)


def _choose(value: object, expected: inspect.Type) -> inspect.Type | None:
    """Return the one option of a type that a value of this JSON kind, and tag, can be."""
    for option in _options(expected):
        inner = option.type if isinstance(option, inspect.Metadata) else option
        if _KINDS[type(inner)](value, inner):
            return option
    return None


def _is_struct(value: object, expected: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return expected.tag_field is None or value.get(expected.tag_field) == expected.tag


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_KINDS: Mapping[type[inspect.Type], Callable[[object, Any], bool]] = {
    inspect.AnyType: lambda _value, _type: True,
    inspect.NoneType: lambda value, _type: value is None,
    inspect.BoolType: lambda value, _type: isinstance(value, bool),
    inspect.IntType: lambda value, _type: _is_integer(value),
    inspect.FloatType: lambda value, _type: isinstance(value, float) or _is_integer(value),
    inspect.StrType: lambda value, _type: isinstance(value, str),
    inspect.BytesType: lambda value, _type: isinstance(value, str | bytes),
    inspect.LiteralType: lambda value, type_: isinstance(value, str | int) and value in type_.values,
    inspect.ListType: lambda value, _type: isinstance(value, list | tuple),
    inspect.DictType: lambda value, _type: isinstance(value, Mapping),
    inspect.StructType: _is_struct,
}


def _check_struct(value: Mapping[str, object], expected: inspect.StructType, path: str) -> None:
    fields = _fields(expected.cls)
    for name in value:
        if name not in fields and name != expected.tag_field:
            param = _join(path, name)
            raise RemoteProtocolError(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)
    for name, field in fields.items():
        if name in value:
            check(value[name], field.type, _join(path, name))
        elif field.required:
            _refuse_missing(_join(path, name))


def _check_list(value: Sequence[object], expected: inspect.ListType, path: str) -> None:
    for index, entry in enumerate(value):
        check(entry, expected.item_type, f"{path}[{index}]")


def _check_dict(value: Mapping[str, object], expected: inspect.DictType, path: str) -> None:
    for name, member in value.items():
        check(name, expected.key_type, path)
        check(member, expected.value_type, _join(path, name))


def _check_number(value: float, _expected: inspect.Type, path: str) -> None:
    # Integers of any size are legal JSON; beyond 64 bits they overflow where they meet a float.
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        _refuse_value(_quote(value), "Expected at most 64 bits.", path)


def _check_base64(value: str | bytes, _expected: inspect.Type, path: str) -> None:
    if isinstance(value, bytes):
        return
    try:
        if len(value) % 4:
            raise binascii.Error("The length is not a multiple of four.")
        binascii.a2b_base64(value, strict_mode=True)
    except ValueError as error:
        _refuse_value(_quote(value), f"Expected base64 with padding: {error}", path)


def _check_anything(value: object, _expected: inspect.Type, path: str, depth: int = 0) -> None:
    """Keep free-form JSON so shallow that it can be walked and written again from any stack."""
    if depth > MAX_DEPTH:
        _refuse_value("JSON nested too deeply", f"Expected at most {MAX_DEPTH} levels.", path)
    members = (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    )
    for member in members:
        _check_anything(member, _expected, path, depth + 1)


_INSIDES: Mapping[type[inspect.Type], Callable[[Any, Any, str], None]] = {
    inspect.AnyType: _check_anything,
    inspect.IntType: _check_number,
    inspect.FloatType: _check_number,
    inspect.BytesType: _check_base64,
    inspect.ListType: _check_list,
    inspect.DictType: _check_dict,
    inspect.StructType: _check_struct,
}


def _check_limits(value: Any, limits: Mapping[str, Any], path: str) -> None:
    longest = limits.get("max_length")
    if longest is not None:
        if len(value) > longest:
            unit = "characters" if isinstance(value, str) else "entries"
            _refuse_value(f"{len(value)} {unit}", f"Expected at most {longest}.", path)
        return
    minimum, maximum = limits["minimum"], limits.get("maximum")
    if maximum is None and not value >= minimum:
        _refuse_value(value, f"Expected a value of at least {minimum}.", path)
    if maximum is not None and not minimum <= value <= maximum:
        _refuse_value(value, f"Expected a value between {minimum} and {maximum}.", path)


_NAMES: Mapping[type, str] = {
    inspect.NoneType: "null",
    inspect.BoolType: "a boolean",
    inspect.IntType: "an integer",
    inspect.FloatType: "a number",
    inspect.StrType: "a string",
    inspect.BytesType: "a base64 string",
    inspect.ListType: "an array",
    inspect.DictType: "an object",
    inspect.StructType: "an object",
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def _refuse(value: object, options: Sequence[inspect.Type], path: str) -> NoReturn:
    """Say why a value is none of these."""
    bare = [option.type if isinstance(option, inspect.Metadata) else option for option in options]
    tagged = [option for option in bare if isinstance(option, inspect.StructType)]
    if tagged and isinstance(value, Mapping):
        _refuse_tag(value, tagged, path)
    literals = [
        literal for option in bare if isinstance(option, inspect.LiteralType) for literal in option.values
    ]
    if any(type(value) is type(literal) for literal in literals):
        refuse_choice(value, literals, path)
    expected = [_NAMES[type(option)] for option in bare if not isinstance(option, inspect.LiteralType)]
    expected += [_quote(literal) for literal in literals]
    got = _NAMES.get(type(value), type(value).__name__)
    raise RemoteProtocolError(
        f"Invalid type for '{path}': expected {' or '.join(dict.fromkeys(expected))}, but got {got} instead.",
        code="invalid_type",
        param=path,
    )


def _refuse_tag(value: Mapping[str, object], tagged: Sequence[inspect.StructType], path: str) -> NoReturn:
    param = _join(path, str(tagged[0].tag_field))
    if tagged[0].tag_field not in value:
        _refuse_missing(param)
    tag = value[str(tagged[0].tag_field)]
    if not isinstance(tag, str):
        _refuse(tag, [inspect.StrType()], param)
    refuse_choice(tag, [struct.tag for struct in tagged], param)


def refuse_choice(value: object, supported: Iterable[object], param: str) -> NoReturn:
    """Raise the error for a value that is not one of those supported."""
    _refuse_value(_quote(value), f"Supported values are: {', '.join(map(_quote, supported))}.", param)


def _refuse_value(value: object, expectation: str, path: str) -> NoReturn:
    raise RemoteProtocolError(f"Invalid value: {value}. {expectation}", code="invalid_value", param=path)


def _refuse_missing(param: str) -> NoReturn:
    raise RemoteProtocolError(
        f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param
    )


def _quote(value: object) -> str:
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return "an integer of that size"  # Python itself refuses to write the very long ones
    if not isinstance(value, str):
        return str(value)
    return f"'{value}'" if len(value) <= _LONGEST_QUOTE else f"'{value[:_LONGEST_QUOTE]}…'"


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
