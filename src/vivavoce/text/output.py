"""The type of an agent's output: as a JSON Schema for the model, and as a check of what it answered."""

from __future__ import annotations

import functools
import inspect
import re
import typing
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from vivavoce.agents.schema import problems_of
from vivavoce.agents.strict import strict_schema
from vivavoce.engines.options import OutputSchema
from vivavoce.errors import ConfigurationError
from vivavoce.text.failures import ModelBehaviorError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA_NAME = "final_output"
"""Name of the output's schema in a request."""
_WRAPPER = "response"
_LONGEST_QUOTE = 200  # characters of a bad answer that are shown
_FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)


@runtime_checkable
class AgentOutputSchemaBase(Protocol):
    """What describes and checks an output; write one of your own where `AgentOutputSchema` does not do."""

    def is_plain_text(self) -> bool:
        """Return whether the output is text and no JSON."""
        ...

    def name(self) -> str:
        """Return the name of the type."""
        ...

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema; asked only when the output is no plain text."""
        ...

    def is_strict_json_schema(self) -> bool:
        """Return whether the schema is in the strict form."""
        ...

    def validate_json(self, json_str: str) -> Any:
        """Return the output.

        Raises:
            ModelBehaviorError: the text does not fit the type.
        """
        ...


class AgentOutputSchema:
    """A Python type as an output: whatever pydantic can describe.

    What is not an object in JSON (a list, a number, an enum) travels in an object with the one key
    ``response``.

    Args:
        output_type: a pydantic model, dataclass, typed dictionary, enum, ``list[…]`` and the like.
        strict_json_schema: hold the model to the schema. Needs a type without free dictionaries.

    Attributes:
        is_wrapped: it travels in such an object.

    Raises:
        ConfigurationError: the type cannot be described, or not in the strict form.
    """

    def __init__(self, output_type: Any, strict_json_schema: bool = True) -> None:
        self.output_type = output_type
        self._strict = strict_json_schema
        self.is_wrapped = False
        if self.is_plain_text():
            return
        self._adapter, schema = _describe(output_type)
        if schema.get("type") != "object":
            self.is_wrapped = True
            self._adapter, schema = _describe(_wrapped(output_type))
        self._schema = self._in_strict_form(schema) if strict_json_schema else schema

    def _in_strict_form(self, schema: dict[str, Any]) -> dict[str, Any]:
        try:
            return strict_schema(schema, owner=f"output_type {self.name()}")
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{error}. Of an output type: AgentOutputSchema(your_type, strict_json_schema=False)"
            ) from error

    def is_plain_text(self) -> bool:
        """Return whether the output is text and no JSON."""
        return self.output_type is None or self.output_type is str

    def name(self) -> str:
        """Return the name of the type."""
        if typing.get_origin(self.output_type) is None and isinstance(self.output_type, type):
            return self.output_type.__name__
        return str(self.output_type).removeprefix("typing.")

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema.

        Raises:
            ConfigurationError: the output is plain text and has none.
        """
        if self.is_plain_text():
            raise ConfigurationError("plain text has no JSON Schema; set an output_type")
        return self._schema

    def is_strict_json_schema(self) -> bool:
        """Return whether the schema is in the strict form."""
        return self._strict

    def validate_json(self, json_str: str) -> Any:
        """Return the output of the declared type; plain text is returned as it is.

        Args:
            json_str: what the model wrote. A code fence around it is taken off: models that are asked for
                JSON in words like to add one.

        Raises:
            ModelBehaviorError: it is no JSON, or does not fit the type.
        """
        if self.is_plain_text():
            return json_str
        from pydantic import ValidationError

        fenced = _FENCE.match(json_str)
        try:
            output = self._adapter.validate_json(fenced[1] if fenced else json_str)
        except ValidationError as error:
            raise ModelBehaviorError(
                f"the model's answer does not fit {self.name()}: {problems_of(error, 'the answer')}. "
                f"It began: {json_str[:_LONGEST_QUOTE]!r}"
            ) from error
        return output[_WRAPPER] if self.is_wrapped else output


def output_schema(output_type: Any) -> AgentOutputSchemaBase:
    """Return what describes and checks this output.

    Args:
        output_type: ``None`` or ``str`` for text, a type, or an `AgentOutputSchemaBase`.

    Raises:
        ConfigurationError: the type cannot be described.
    """
    if not isinstance(output_type, type) and isinstance(output_type, AgentOutputSchemaBase):
        return output_type
    try:
        return _remembered(output_type)
    except TypeError:  # not hashable, such as Annotated[int, [1, 2]]
        return AgentOutputSchema(output_type)


@functools.lru_cache(maxsize=256)
def _remembered(output_type: Any) -> AgentOutputSchema:
    return AgentOutputSchema(output_type)


def wanted_form(schema: AgentOutputSchemaBase) -> OutputSchema | None:
    """Return the form as a model is asked for it; ``None`` for plain text."""
    if schema.is_plain_text():
        return None
    return OutputSchema(SCHEMA_NAME, schema.json_schema(), schema.is_strict_json_schema())


def _wrapped(output_type: Any) -> Any:
    from typing_extensions import TypedDict

    make: Any = TypedDict
    return make("Output", {_WRAPPER: output_type})


def _describe(output_type: Any) -> tuple[TypeAdapter[Any], dict[str, Any]]:
    from pydantic import PydanticUserError, TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    if inspect.isroutine(output_type):
        raise ConfigurationError(
            f"output_type {output_type!r} cannot be described to a model: it is a function"
        )
    try:
        adapter = TypeAdapter(output_type)
        return adapter, adapter.json_schema()
    except (PydanticUserError, PydanticSchemaGenerationError, NameError) as error:
        raise ConfigurationError(
            f"output_type {output_type!r} cannot be described to a model: {error}"
        ) from error
