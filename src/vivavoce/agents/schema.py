"""From a function's signature to a JSON Schema, and from a model's arguments to a call.

Pydantic does the work; it is imported when the first tool is defined, not with the package.
"""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from vivavoce.agents.context import RunContextWrapper
from vivavoce.agents.docstrings import parse_docstring
from vivavoce.errors import ConfigurationError, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import TypeAdapter, ValidationError


@dataclass(frozen=True, slots=True)
class FunctionSchema:
    """What a model needs to know of a function, and how its answer becomes a call.

    Attributes:
        name: of the function.
        description: from its docstring, empty when there is none.
        parameters: JSON Schema of the arguments.
        takes_context: the first parameter receives the `ToolContext`.
        unhinted: the parameters without a type hint, which a model may fill with anything.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    takes_context: bool
    unhinted: tuple[str, ...]
    _adapter: TypeAdapter[Any]
    _defaults: Mapping[str, Callable[[], Any]]

    def parse(self, arguments: str) -> dict[str, Any]:
        """Return the keyword arguments of a call.

        Args:
            arguments: JSON text from the model; empty means no arguments.

        Raises:
            ToolError: it is not JSON, or does not fit the parameters. The message is fit for the model.
        """
        from pydantic import ValidationError

        try:
            parsed = self._adapter.validate_json(arguments.strip() or "{}")
        except ValidationError as error:
            raise ToolError(f"bad arguments for {self.name}: {problems_of(error)}") from error
        given = dict(parsed)
        return {**{name: make() for name, make in self._defaults.items() if name not in given}, **given}


def problems_of(error: ValidationError, whole: str = "arguments") -> str:
    """Return what is wrong with a value, place by place, without the value itself.

    Args:
        error: pydantic's.
        whole: how the value is called where all of it is wrong.
    """
    return "; ".join(
        f"{'.'.join(str(step) for step in problem['loc']) or whole}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    )


def function_schema(function: Callable[..., Any], *, use_docstring: bool = True) -> FunctionSchema:
    """Read a function's signature, type hints and docstring.

    Args:
        function: plain or async.
        use_docstring: take descriptions from the docstring.

    Raises:
        ConfigurationError: a parameter cannot be described to a model; the message names it.
    """
    name = getattr(function, "__name__", type(function).__name__)
    hints = _hints(function, name)
    documented = parse_docstring(inspect.getdoc(function) if use_docstring else None)
    parameters = list(inspect.signature(function).parameters.values())
    takes_context = bool(parameters) and _is_context(hints.get(parameters[0].name))
    fields: dict[str, Any] = {}
    defaults: dict[str, Callable[[], Any]] = {}
    for parameter in parameters[takes_context:]:
        hint = hints.get(parameter.name, Any)
        _check_parameter(name, parameter, hint)
        fields[parameter.name] = _field(
            parameter, hint, documented.parameters.get(parameter.name, ""), defaults
        )
    adapter = _adapter(name, fields)
    return FunctionSchema(
        name=name,
        description=documented.description,
        parameters=_json_schema(name, adapter, fields),
        takes_context=takes_context,
        unhinted=tuple(name for name in fields if name not in hints),
        _adapter=adapter,
        _defaults=defaults,
    )


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    target = inspect.unwrap(function if inspect.isroutine(function) else type(function).__call__)
    # What it returns is nobody's business here, and often imported for type checkers alone.
    parameters = {key: hint for key, hint in inspect.get_annotations(target).items() if key != "return"}
    try:
        return typing.get_type_hints(
            SimpleNamespace(__annotations__=parameters),
            globalns=getattr(target, "__globals__", {}),
            include_extras=True,
        )
    except (NameError, TypeError) as error:
        raise ConfigurationError(f"tool {name!r}: a type hint cannot be resolved: {error}") from error


def _is_context(hint: object) -> bool:
    if typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    kind = typing.get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, RunContextWrapper)


def _check_parameter(tool: str, parameter: inspect.Parameter, hint: object) -> None:
    if _is_context(hint):
        raise ConfigurationError(
            f"tool {tool!r}: the context must be the first parameter, not {parameter.name!r}"
        )
    if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
        raise ConfigurationError(
            f"tool {tool!r}: parameter {str(parameter)!r} cannot be passed by name; "
            "a model passes arguments by name, so declare each as an ordinary parameter"
        )
    if parameter.name in {"self", "cls"} and parameter.annotation is parameter.empty:
        raise ConfigurationError(
            f"tool {tool!r}: {parameter.name!r} is unbound; make the tool from the bound method: "
            f"function_tool(thing.{tool})"
        )


def _field(
    parameter: inspect.Parameter, hint: Any, documented: str, defaults: dict[str, Callable[[], Any]]
) -> Any:
    """Return the parameter as a field of a typed dictionary; a default is noted in `defaults`."""
    from pydantic.fields import FieldInfo

    metadata: list[Any] = []
    required = parameter.default is parameter.empty
    shown: Any = parameter.default
    if isinstance(parameter.default, FieldInfo):
        info = parameter.default
        metadata = _without_default(info)
        required = info.is_required()
        shown = parameter.empty if required or info.default_factory else info.default
        if not required:
            defaults[parameter.name] = lambda: info.get_default(call_default_factory=True, validated_data={})
    described = _description(hint, metadata) or documented
    details: dict[str, Any] = {}
    if described:
        details["description"] = described
    if not required and shown is not parameter.empty and _fits_json(shown):
        details["json_schema_extra"] = {"default": shown}
    if details:
        metadata = [*metadata, FieldInfo(**details)]
    annotated = Annotated[(hint, *metadata)] if metadata else hint
    return annotated if required else NotRequired[annotated]


def _without_default(info: Any) -> list[Any]:
    """Return a `Field(…)` as annotation metadata; a typed dictionary has no place for its default."""
    from pydantic.fields import FieldInfo

    words = ("title", "description", "examples", "json_schema_extra")
    kept = {word: value for word in words if (value := getattr(info, word)) is not None}
    return [FieldInfo(**kept), *info.metadata]


def _description(hint: Any, metadata: list[Any]) -> str:
    """Return the description in ``Annotated[…, "text"]`` or ``Field(description=…)``, or nothing."""
    notes = list(typing.get_args(hint)[1:]) if typing.get_origin(hint) is Annotated else []
    for note in [*metadata, *notes]:
        text = note if isinstance(note, str) else getattr(note, "description", None)
        if isinstance(text, str) and text:
            return text
    return ""


def _fits_json(value: object) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _adapter(name: str, fields: dict[str, Any]) -> TypeAdapter[Any]:
    from pydantic import ConfigDict, PydanticUserError, TypeAdapter
    from typing_extensions import TypedDict

    # A typed dictionary, not a model: its keys may be called anything, also "schema" or "json".
    make: Any = TypedDict
    arguments = make("arguments", fields)
    arguments.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    try:
        return TypeAdapter(arguments)
    except PydanticUserError as error:
        raise _indescribable(name, fields) from error


def _indescribable(name: str, fields: Mapping[str, Any]) -> ConfigurationError:
    """Return the error for a tool of which one parameter has no JSON form."""
    from pydantic import PydanticUserError, TypeAdapter

    which = "a parameter"
    for field, hint in fields.items():
        bare = typing.get_args(hint)[0] if typing.get_origin(hint) is NotRequired else hint
        try:
            TypeAdapter(bare).json_schema()
        except PydanticUserError:
            which = f"parameter {field!r}"
            break
    return ConfigurationError(
        f"tool {name!r}: {which} cannot be described to a model: use types that JSON can hold, pydantic "
        "models or dataclasses"
    )


def _json_schema(name: str, adapter: TypeAdapter[Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic import PydanticUserError

    try:
        schema = adapter.json_schema()
    except PydanticUserError as error:
        raise _indescribable(name, fields) from error
    schema.pop("title", None)
    for described in schema.get("properties", {}).values():
        described.pop("title", None)
    return schema
