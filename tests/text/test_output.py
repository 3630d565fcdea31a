from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pydantic
import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.text.failures import ModelBehaviorError
from vivavoce.text.output import AgentOutputSchema, AgentOutputSchemaBase, output_schema, wanted_form


class Refund(pydantic.BaseModel):
    approved: bool
    reason: str = "none"


@dataclass
class Point:
    x: int
    y: int


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize("plain", [None, str])
def test_text_is_plain(plain: Any) -> None:
    schema = output_schema(plain)
    assert schema.is_plain_text()
    assert schema.validate_json("{not json") == "{not json"
    assert wanted_form(schema) is None
    with pytest.raises(ConfigurationError, match="plain text has no JSON Schema"):
        schema.json_schema()


@pytest.mark.parametrize(
    ("output_type", "text", "value"),
    [
        (Refund, '{"approved": true, "reason": "late"}', Refund(approved=True, reason="late")),
        (Point, '{"x": 1, "y": 2}', Point(1, 2)),
        (list[int], '{"response": [1, 2]}', [1, 2]),
        (int, '{"response": 7}', 7),
        (Colour, '{"response": "red"}', Colour.RED),
        (Literal["a", "b"], '{"response": "b"}', "b"),
        (Refund | Point, '{"response": {"x": 1, "y": 2}}', Point(1, 2)),
        (Annotated[int, ["a list cannot be hashed"]], '{"response": 3}', 3),
    ],
)
def test_a_type_describes_and_reads_its_values(output_type: Any, text: str, value: Any) -> None:
    schema = output_schema(output_type)
    assert schema.json_schema()["type"] == "object"
    assert schema.json_schema()["additionalProperties"] is False
    assert schema.validate_json(text) == value
    assert schema.validate_json(f"```json\n{text}\n```") == value


def test_the_form_for_the_model_is_strict_unless_said_otherwise() -> None:
    strict = wanted_form(output_schema(Refund))
    assert strict is not None
    assert strict.strict
    assert strict.name == "final_output"
    assert strict.schema["required"] == ["approved", "reason"]
    loose = wanted_form(output_schema(AgentOutputSchema(dict[str, int], strict_json_schema=False)))
    assert loose is not None
    assert not loose.strict


def test_names() -> None:
    assert output_schema(Refund).name() == "Refund"
    assert output_schema(list[int]).name() == "list[int]"
    assert output_schema(Literal["a"]).name() == "Literal['a']"


def test_what_does_not_fit_names_the_field_and_shows_the_beginning() -> None:
    with pytest.raises(ModelBehaviorError, match="does not fit Refund: approved: ") as caught:
        output_schema(Refund).validate_json('{"approved": "perhaps"}')
    assert '{"approved": "perhaps"}' in str(caught.value)
    with pytest.raises(ModelBehaviorError, match="the answer: Invalid JSON"):
        output_schema(Refund).validate_json("Sorry. " * 1000)


@pytest.mark.parametrize("output_type", [dict[str, int], pydantic.JsonValue])
def test_a_type_without_a_strict_form_says_what_to_do(output_type: Any) -> None:
    with pytest.raises(ConfigurationError, match="strict_json_schema=False"):
        output_schema(output_type)


@pytest.mark.parametrize("output_type", [object(), lambda: None, "Undefined"])
def test_what_nobody_can_describe_is_refused(output_type: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot be described to a model"):
        output_schema(output_type)


def test_an_own_schema_is_taken_as_it_is() -> None:
    class Yes:
        def is_plain_text(self) -> bool:
            return False

        def name(self) -> str:
            return "Yes"

        def json_schema(self) -> dict[str, Any]:
            return {"type": "object", "properties": {}}

        def is_strict_json_schema(self) -> bool:
            return False

        def validate_json(self, json_str: str) -> Any:
            return json_str == "{}"

    own = Yes()
    assert isinstance(own, AgentOutputSchemaBase)
    assert output_schema(own) is own
    assert output_schema(Refund) is output_schema(Refund)  # described once
