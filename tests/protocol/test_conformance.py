"""Our wire types against the `openai` package, which is generated from the specification of the API."""

import json
import warnings
from itertools import chain
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, inspect

from vivavoce.protocol import (
    CLIENT_EVENT_TYPES,
    SERVER_EVENT_TYPES,
    InputAudio,
    InputImage,
    InputText,
    McpApprovalResponseItem,
    MessageItem,
    OutputAudio,
    OutputText,
    Prompt,
    ServerEvent,
    decode_client_event,
    decode_server_event,
    encode,
    to_builtins,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what another package warns of on import is not ours to fix
    oracle = pytest.importorskip("openai.types.realtime", reason="the oracle is the package `openai`")
    SERVER_ORACLE: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(oracle.RealtimeServerEvent)

TEXT = st.text("abc ü", max_size=4)
PARTS_BY_ROLE = {
    "system": (InputText,),
    "user": (InputText, InputAudio, InputImage),
    "assistant": (OutputText, OutputAudio),
}


def members(union: Any) -> dict[str, Any]:
    """Wire name -> model, of one of the oracle's unions of events."""
    models = get_args(get_args(union)[0])
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in models}


def values(type_: inspect.Type) -> st.SearchStrategy[Any]:
    """Every value that a field of this type may have when a server is careful."""
    match type_:
        case inspect.Metadata(type=inspect.IntType(), extra=dict(limits)):
            return st.integers(limits["minimum"], limits.get("maximum", 9000))
        case inspect.Metadata(type=inspect.FloatType(), extra={"minimum": minimum, "maximum": maximum}):
            return st.floats(minimum, maximum)
        case inspect.Metadata(type=inner):
            return values(inner)
        case inspect.UnionType(types=types):
            return st.one_of(*map(values, types))
        case inspect.StructType(cls=cls):
            return structs(cls)
        case inspect.ListType(item_type=item_type):
            return st.lists(values(item_type), max_size=2)
        case inspect.DictType(value_type=value_type):
            return st.dictionaries(TEXT, values(value_type), max_size=2)
        case inspect.LiteralType(values=literals):
            return st.sampled_from(literals)
        case inspect.AnyType():
            return st.none() | st.booleans() | TEXT | st.lists(TEXT, max_size=2)
    return {
        inspect.NoneType: st.none(),
        inspect.BoolType: st.booleans(),
        inspect.IntType: st.integers(0, 9000),
        inspect.FloatType: st.floats(0, 1),
        inspect.StrType: TEXT,
        inspect.BytesType: st.binary(max_size=4),
    }[type(type_)]


def structs(cls: Any, which: str = "any") -> st.SearchStrategy[Any]:
    """Structs of one class with any, all or none of their optional fields."""
    if cls is MessageItem:
        return st.sampled_from(sorted(PARTS_BY_ROLE)).flatmap(lambda role: fields_of(cls, which, role))
    return fields_of(cls, which, None)


def fields_of(cls: Any, which: str, role: str | None) -> st.SearchStrategy[Any]:
    description = inspect.type_info(cls)
    assert isinstance(description, inspect.StructType)
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for field in description.fields:
        if field.name == "temperature":
            continue  # the GA API has none; see `protocol.beta`
        strategy = values(field.type)
        if role is not None and field.name == "role":
            strategy = st.just(role)
        elif role is not None and field.name == "content":
            strategy = st.lists(st.one_of(*map(structs, PARTS_BY_ROLE[role])), max_size=2)
        elif cls is Prompt and field.name == "variables":
            strategy = st.dictionaries(TEXT, TEXT, max_size=2)
        # A client may answer an approval request without an id; a server shows the answer with one.
        always = field.required or (cls is McpApprovalResponseItem and field.name == "id")
        (required if always else optional)[field.name] = strategy
    if which == "all":
        chosen = st.fixed_dictionaries(required | optional)
    else:
        chosen = st.fixed_dictionaries(required, optional=optional if which == "any" else {})
    return chosen.map(lambda arguments: cls(**arguments))


def assert_conforms(event: ServerEvent) -> None:
    wire = json.loads(encode(event))
    accepted = SERVER_ORACLE.validate_python(wire)
    assert accepted.type == event.type
    assert decode_server_event(encode(event)) == decode_server_event(json.dumps(wire))


@pytest.mark.parametrize("which", ["none", "all"])
@pytest.mark.parametrize("name", sorted(SERVER_EVENT_TYPES))
@settings(max_examples=3, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_minimal_and_full_server_events_satisfy_the_oracle(
    name: str, which: str, data: st.DataObject
) -> None:
    assert_conforms(data.draw(structs(SERVER_EVENT_TYPES[name], which)))


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(SERVER_EVENT_TYPES)).flatmap(lambda name: structs(SERVER_EVENT_TYPES[name])))
def test_any_server_event_satisfies_the_oracle_and_round_trips(event: ServerEvent) -> None:
    assert_conforms(event)
    assert to_builtins(decode_server_event(encode(event))) == json.loads(encode(event))


def test_the_oracle_refuses_a_wrong_event() -> None:
    with pytest.raises(pydantic.ValidationError):
        SERVER_ORACLE.validate_python({"type": "response.done", "event_id": "event_1"})


@pytest.mark.parametrize(
    ("ours", "union"),
    [(CLIENT_EVENT_TYPES, "RealtimeClientEvent"), (SERVER_EVENT_TYPES, "RealtimeServerEvent")],
    ids=["client", "server"],
)
def test_we_know_exactly_the_events_of_the_oracle(ours: dict[str, Any], union: str) -> None:
    theirs = members(getattr(oracle, union))
    assert sorted(theirs.keys() - ours.keys()) == [], "events of the API that this package lacks"
    assert sorted(ours.keys() - theirs.keys()) == [], "events of this package that the API lacks"


# One value for each field whose range the types do not tell.
KNOWN_VALUES: dict[str, list[Any]] = {
    "audio_b64": ["YWI="],
    "threshold": [0.5],
    "speed": [1.25],
    "retention_ratio": [0.8],
    "idle_timeout_ms": [6000],
    "max_output_tokens": [4096, "inf"],
    "conversation": ["auto", "none"],
    "metadata": [{"topic": "weather"}],
}
# The oracle gathers all content parts of a role in one model; on the wire each is one of these.
CONTENT: dict[str, list[dict[str, Any]]] = {
    "system": [{"type": "input_text", "text": "hi"}],
    "user": [
        {"type": "input_text", "text": "hi"},
        {"type": "input_audio", "audio": "YWI=", "transcript": "hi"},
        {"type": "input_image", "image_url": "data:image/png;base64,YWI=", "detail": "high"},
    ],
    "assistant": [
        {"type": "output_text", "text": "hi"},
        {"type": "output_audio", "audio": "YWI=", "transcript": "hi"},
    ],
}


def filled(annotation: Any, name: str = "") -> list[Any]:
    """JSON values for an annotation of the oracle, at least one for each member of each union."""
    origin = get_origin(annotation)
    if name in KNOWN_VALUES:
        return KNOWN_VALUES[name]
    if origin is Annotated:
        return filled(get_args(annotation)[0], name)
    if origin in {Union, UnionType}:
        return list(chain.from_iterable(filled(a, name) for a in get_args(annotation) if a is not NoneType))
    if origin is Literal:
        return list(get_args(annotation))
    if origin is list:
        return [filled(get_args(annotation)[0])]
    if origin is dict:
        return [{"key": value} for value in filled(get_args(annotation)[1])]
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return filled_models(annotation)
    plain: dict[Any, Any] = {str: "text", int: 7, float: 0.5, bool: True, object: {"any": ["thing", 1]}}
    return [plain[annotation]]


def filled_models(model: type[pydantic.BaseModel]) -> list[dict[str, Any]]:
    """Objects of a model with all of its fields, as many as the field with the most values needs."""
    columns = {name: filled(field.annotation, name) for name, field in model.model_fields.items()}
    if "role" in columns:
        columns["content"] = [CONTENT[columns["role"][0]]]
    if isinstance(columns.get("audio", [None])[0], str):
        columns["audio"] = KNOWN_VALUES["audio_b64"]
    rows = max(map(len, columns.values()))
    return [{name: column[row % len(column)] for name, column in columns.items()} for row in range(rows)]


CLIENT_SAMPLES = [
    pytest.param(model, sample, id=f"{name}-{number}")
    for name, model in members(oracle.RealtimeClientEvent).items()
    for number, sample in enumerate(filled_models(model))
]


@pytest.mark.parametrize(("model", "sample"), CLIENT_SAMPLES)
def test_full_client_events_of_the_oracle_decode_here(model: Any, sample: dict[str, Any]) -> None:
    frame = model.model_validate(sample).model_dump_json(exclude_unset=True)
    event = decode_client_event(frame)
    assert to_builtins(event) == json.loads(frame)
    assert event.event_id != UNSET


@pytest.mark.parametrize("name", sorted(CLIENT_EVENT_TYPES))
@settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_client_events_of_ours_round_trip(name: str, data: st.DataObject) -> None:
    event = data.draw(structs(CLIENT_EVENT_TYPES[name], "none"))
    assert to_builtins(decode_client_event(encode(event))) == to_builtins(event)
