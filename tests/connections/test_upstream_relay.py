"""The deciding part, fed by hand: a client on one side, an upstream on the other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.connections import upstream_relay
from vivavoce.connections.upstream_relay import Ending, Relay, RelayPlan
from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.options import SessionOptions
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    ErrorEvent,
    RealtimeSession,
    ResponseCreated,
    Session,
    decode_client_event,
    encode_text,
)

OPTIONS = SessionOptions(model="asked", created_at=1000)


class Line:
    """A relay and its two peers, at a time that the test sets."""

    def __init__(
        self, options: SessionOptions = OPTIONS, settings: Session | None = None, **fields: Any
    ) -> None:
        plan: Any = {
            "shown_model": "asked",
            "model": "there",
            "upstream_name": lambda _name: "there",
        } | fields
        self.relay = Relay(RelayPlan("sess_ours", options, settings, **plan), CountingIds(), now=0.0)

    def client(self, kind: str, **fields: Any) -> None:
        self.relay.receive(decode_client_event(json.dumps({"type": kind, **fields})))

    def server(self, kind: str, **fields: Any) -> str:
        frame = json.dumps({"type": kind, "event_id": "theirs", **fields})
        assert self.relay.receive_frame(frame)
        return frame

    def created(self, kind: str = "session.created", **session: Any) -> None:
        form = {"type": "realtime", "id": "sess_theirs", "model": "there", "expires_at": 2000, **session}
        self.server(kind, session=form)

    def is_open(self) -> bool:
        return self.relay.open

    def is_over(self) -> bool:
        return self.relay.ending is not None

    def down(self) -> list[Any]:
        return [json.loads(encode_text(event)) for event in self.relay.to_client()]

    def up(self) -> list[Any]:
        return [json.loads(frame) for frame in self.relay.to_server()]

    def opened(self) -> Line:
        self.created()
        self.relay.to_client()
        return self


def test_the_session_is_shown_with_our_id_our_time_and_the_name_that_was_asked_for() -> None:
    line = Line()
    assert not line.is_open()
    line.created(voice_of_tomorrow=[1], tools=[{"type": "mcp", "server_label": "s", "authorization": "sk"}])
    assert line.is_open()
    assert line.down() == [
        {
            "type": "session.created",
            "event_id": "theirs",
            "session": {
                "type": "realtime",
                "id": "sess_ours",
                "model": "asked",
                "expires_at": 2000,
                "voice_of_tomorrow": [1],
                "tools": [{"type": "mcp", "server_label": "s"}],
            },
        }
    ]


def test_where_nobody_named_a_model_the_upstreams_is_shown() -> None:
    line = Line(shown_model=None, model=None)
    line.created()
    assert line.down()[0]["session"]["model"] == "there"


def test_the_session_is_not_shown_before_everything_holds() -> None:
    options = SessionOptions(model="asked", instructions="Be brief.", created_at=1000)
    line = Line(options, RealtimeSession(output_modalities=["text"]))
    line.created()
    line.client("response.create")
    assert line.down() == []
    first = line.up()
    assert [frame["session"] for frame in first] == [{"type": "realtime", "instructions": "Be brief."}]
    line.created("session.updated", instructions="Be brief.")
    assert line.down() == []
    second = line.up()
    assert [frame["session"] for frame in second] == [{"type": "realtime", "output_modalities": ["text"]}]
    line.server("rate_limits.updated", rate_limits=[])
    line.created("session.updated", instructions="Be brief.", output_modalities=["text"])
    created, limits = line.down()
    assert created["type"] == "session.created"
    assert created["session"]["instructions"] == "Be brief."
    assert created["session"]["output_modalities"] == ["text"]
    assert limits["type"] == "rate_limits.updated"
    assert line.up() == [{"type": "response.create"}]


def test_an_update_before_the_session_is_passed_over() -> None:
    line = Line()
    line.created("session.updated")
    assert line.down() == []
    assert not line.is_open()


def test_settings_that_the_upstream_refuses_end_the_session_with_its_words() -> None:
    line = Line(settings=RealtimeSession(output_modalities=["text"]))
    line.created()
    (patch,) = line.up()
    error = {
        "type": "invalid_request_error",
        "message": "No text.",
        "code": "invalid_value",
        "param": "session.output_modalities",
        "event_id": patch["event_id"],
    }
    line.server("error", error=error)
    (said,) = line.down()
    assert said["error"]["message"] == "The session cannot begin as it must: No text."
    assert said["error"]["param"] == "session.output_modalities"
    assert said["error"]["event_id"] is None
    assert line.relay.ending == Ending(1011, "The session cannot begin as it must: No text.")


def test_what_the_upstream_says_of_its_door_stays_with_the_operator() -> None:
    line = Line()
    error = {
        "type": "invalid_request_error",
        "message": "Incorrect API key provided: sk-abc",
        "code": "invalid_api_key",
    }
    line.server("error", error=error)
    (said,) = line.down()
    assert said["error"]["code"] == "upstream_unavailable"
    assert said["error"]["type"] == "server_error"
    assert "invalid_api_key" in said["error"]["message"]
    assert "sk-" not in json.dumps(said)
    assert line.relay.ending is not None
    assert line.relay.ending.code == 1011
    bare = Line()
    bare.server("error", error={"type": "server_error", "message": "m"})
    assert bare.down()[0]["error"]["message"] == "The model behind this server refused the session."


FRAMES = [
    '{"type": "response.created", "event_id": "e", "response": {"id": "r", "status": "in_progress"}, "x": 1}',
    '{"type":"brand.new","event_id":"e","deep":{"a":[null]}}',
    '{"type": "input_audio_buffer.speech_started","event_id":"e","audio_start_ms":5,"item_id":"i"}',
    '{"type":"error","event_id":"e","error":{"type":"t","message":"m","code":"c","event_id":"the-clients"}}',
]


@pytest.mark.parametrize("frame", FRAMES)
def test_what_the_upstream_says_passes_in_its_very_words(frame: str) -> None:
    line = Line().opened()
    line.relay.receive_frame(frame)
    (event,) = line.relay.to_client()
    assert json.loads(encode_text(event)) == json.loads(frame)
    assert event.verbatim in {frame, None}


def test_events_stay_structs_for_whoever_looks_on() -> None:
    line = Line().opened()
    line.relay.receive_frame(FRAMES[0])
    line.relay.receive_frame(FRAMES[3])
    assert [type(event) for event in line.relay.to_client()] == [ResponseCreated, ErrorEvent]


def test_client_events_keep_their_ids() -> None:
    line = Line().opened()
    line.client("response.cancel", event_id="mine", response_id="r")
    assert line.up() == [{"type": "response.cancel", "event_id": "mine", "response_id": "r"}]


@pytest.mark.parametrize(
    ("named", "sent"), [("asked", {}), ("alias", {}), ("there", {}), ("other", {"model": "other-there"})]
)
def test_a_model_that_an_update_repeats_is_not_sent(named: str, sent: dict[str, str]) -> None:
    names = {"other": "other-there"}
    line = Line(upstream_name=lambda name: names.get(name, "there")).opened()
    line.client("session.update", session={"type": "realtime", "model": named, "instructions": "x"})
    (frame,) = line.up()
    assert frame["session"] == {"type": "realtime", "instructions": "x", **sent}


@pytest.mark.parametrize("model", ["there", None])
def test_where_nobody_named_a_model_an_update_comes_too_late_and_shows_which_answers(
    model: str | None,
) -> None:
    line = Line(shown_model=None, model=model, upstream_name=str).opened()
    line.client("session.update", session={"type": "realtime", "model": "another"})
    line.created("session.updated")
    assert line.up() == [{"type": "session.update", "session": {"type": "realtime"}}]
    assert line.down()[0]["session"]["model"] == "there"


def test_a_session_that_is_sent_back_loses_what_only_a_server_sets() -> None:
    line = Line().opened()
    session = {"type": "realtime", "id": "sess_ours", "expires_at": 5, "object": "realtime.session"}
    line.client("session.update", session=session)
    assert line.up() == [{"type": "session.update", "session": {"type": "realtime"}}]


def test_a_transcription_session_has_no_model() -> None:
    line = Line()
    line.server("session.created", session={"type": "transcription", "id": "sess_theirs"})
    assert line.down()[0]["session"] == {"type": "transcription", "id": "sess_ours", "expires_at": 4600}
    line.client("session.update", session={"type": "transcription"})
    assert line.up() == [{"type": "session.update", "session": {"type": "transcription"}}]


@pytest.mark.parametrize("session", [None, {"id": "sess_beta", "modalities": ["text"]}, {"type": "other"}])
def test_an_upstream_of_another_dialect_is_refused(session: object) -> None:
    line = Line()
    line.server("session.created", session=session)
    assert "does not speak" in line.down()[0]["error"]["message"]
    assert line.relay.ending is not None


def test_a_clients_bad_frame_is_answered_here_once_there_is_a_session() -> None:
    line = Line()
    bad = RemoteProtocolError("Odd.", code="invalid_json", param="p", event_id="mine")
    line.relay.receive(bad)
    assert line.down() == []
    line.created()
    created, error = line.down()
    assert created["type"] == "session.created"
    assert error["error"] == {
        "type": "invalid_request_error",
        "message": "Odd.",
        "code": "invalid_json",
        "param": "p",
        "event_id": "mine",
    }
    assert line.up() == []


def test_too_much_before_the_session_ends_it() -> None:
    line = Line()
    for _ in range(upstream_relay.EARLY_EVENTS):
        line.client("input_audio_buffer.clear")
    assert not line.is_over()
    line.client("input_audio_buffer.clear")
    assert line.relay.ending is not None
    assert line.relay.ending.code == 1008
    assert line.down()[0]["error"]["code"] == "rate_limit_exceeded"
    heavy = Line()
    heavy.client("input_audio_buffer.append", audio="A" * upstream_relay.EARLY_CHARACTERS)
    assert heavy.relay.ending is not None


def test_an_upstream_that_tells_tales_before_the_session_is_given_up() -> None:
    line = Line()
    for _ in range(257):
        line.server("brand.new")
    assert line.relay.ending is not None


@pytest.mark.parametrize(
    "frame", ["", "[]", "{", '{"type":1}', '{"no":"type"}', '{"type":"session.updated","session":' + "[" * 9]
)
def test_garbage_is_dropped_until_it_is_too_much(frame: str) -> None:
    line = Line().opened()
    for _ in range(upstream_relay.GARBAGE_FRAMES - 1):
        assert not line.relay.receive_frame(frame)
    line.server("brand.new")
    assert not line.relay.receive_frame(frame)
    assert [event["type"] for event in line.down()] == ["brand.new"]
    for _ in range(upstream_relay.GARBAGE_FRAMES):
        line.relay.receive_frame(frame)
    assert line.relay.ending is not None
    assert line.relay.ending.code == 1011
    assert line.down()[-1]["error"]["code"] == "upstream_lost"


@pytest.mark.parametrize(
    ("status", "code"), [(None, 1013), (429, 1013), (503, 1013), (401, 1011), (404, 1011)]
)
def test_an_upstream_that_cannot_be_reached(status: int | None, code: int) -> None:
    line = Line()
    line.relay.receive_unreachable(status)
    (said,) = line.down()
    assert said["error"]["code"] == "upstream_unavailable"
    assert said["error"]["type"] == "server_error"
    assert line.relay.ending is not None
    assert line.relay.ending.code == code


def test_a_loss_ends_what_is_under_way() -> None:
    line = Line().opened()
    line.relay.receive_frame(FRAMES[0])
    line.down()
    line.relay.receive_loss()
    done, error = line.down()
    assert done["type"] == "response.done"
    assert done["response"]["status"] == "failed"
    assert error["error"]["code"] == "upstream_lost"
    assert line.relay.ending == Ending(1011, "The connection to the model behind this server was lost.")


def test_a_loss_before_the_session_may_be_tried_again() -> None:
    line = Line()
    line.relay.receive_loss()
    assert line.relay.ending is not None
    assert line.relay.ending.code == 1013
    assert line.down()[0]["error"]["code"] == "upstream_unavailable"


def test_the_upstreams_own_limit_ends_the_session_as_the_api_does() -> None:
    line = Line().opened()
    error = {"type": "invalid_request_error", "message": "Time is up.", "code": "session_expired"}
    line.server("error", error=error)
    line.relay.receive_loss()
    assert [event["type"] for event in line.down()] == ["error"]
    assert line.relay.ending == Ending(1001, "Time is up.")


def test_our_own_limit_ends_it_too() -> None:
    line = Line(SessionOptions(model="asked", created_at=1000, max_session_s=120.0)).opened()
    line.relay.receive_frame(FRAMES[0])
    assert line.relay.next_deadline() == 120.0
    line.relay.handle_deadline(119.0)
    assert not line.is_over()
    line.relay.handle_deadline(120.0)
    assert [event["type"] for event in line.down()] == ["response.created", "response.done", "error"]
    assert line.relay.ending == Ending(1001, "Your session hit the maximum duration of 2 minutes.")


def test_an_upstream_that_does_not_begin_is_given_up() -> None:
    line = Line(opening_s=7.0)
    assert line.relay.next_deadline() == 7.0
    line.relay.handle_deadline(7.0)
    assert line.relay.ending is not None
    assert line.relay.ending.code == 1013
    assert line.relay.next_deadline() is None


def test_nothing_comes_out_of_a_session_that_is_over() -> None:
    line = Line().opened()
    line.client("response.create")
    line.relay.receive_loss()
    line.down()
    ending = line.relay.ending
    line.client("response.create")
    line.server("brand.new")
    line.relay.receive_loss()
    line.relay.receive_unreachable()
    line.relay.handle_deadline(1e9)
    assert line.up() == line.down() == []
    assert line.relay.ending is ending


def test_items_beyond_the_operators_bound_leave_and_a_refusal_of_that_is_not_the_clients() -> None:
    line = Line(SessionOptions(model="asked", created_at=1000, max_items=1)).opened()
    for name in ("a", "b"):
        item: Any = {"id": name, "type": "message", "role": "user", "content": []}
        line.server("conversation.item.added", item=item)
        line.server("conversation.item.done", item=item)
    line.down()
    (delete,) = line.up()
    assert delete["type"] == "conversation.item.delete"
    assert delete["item_id"] == "a"
    error = {"type": "invalid_request_error", "message": "m", "event_id": delete["event_id"]}
    line.server("error", error=error)
    assert line.down() == []
    line.server("conversation.item.deleted", item_id="a")
    assert [event["type"] for event in line.down()] == ["conversation.item.deleted"]


@given(st.lists(st.one_of(st.text(max_size=30), st.sampled_from(FRAMES)), max_size=30), st.booleans())
def test_no_upstream_can_make_it_raise(frames: list[str], opened: bool) -> None:
    line = Line().opened() if opened else Line()
    for frame in frames:
        line.relay.receive_frame(frame)
    line.relay.receive_loss()
    told = [event["type"] for event in line.down()]
    assert ("response.created" in told) == ("response.done" in told)
    assert told[-1] == "error"
