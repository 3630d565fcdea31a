"""The items of a response, with the exact order of their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vivavoce.protocol import (
    ConversationItemAdded,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    to_builtins,
)

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


def test_a_written_answer(talk: Talk) -> None:
    talk.write()
    assert talk.ask(output_modalities=["text"]) == ["response.created"]
    assert talk.text("Hel") == [*talk.PART_OPEN, talk.TEXT]
    assert talk.text("lo") == [talk.TEXT]
    assert talk.finish() == [*talk.TEXT_DONE, "response.done"]
    assert "".join(event.delta for event in talk.all(ResponseOutputTextDelta)) == "Hello"
    assert talk.last(ResponseOutputTextDone).text == "Hello"
    added, done = talk.last(ResponseOutputItemAdded), talk.last(ResponseOutputItemDone)
    item: dict[str, Any] = {
        "type": "message",
        "id": "item_2",
        "status": "in_progress",
        "role": "assistant",
        "content": [],
    }
    assert to_builtins(added)["item"] == item
    item |= {"status": "completed", "content": [{"type": "output_text", "text": "Hello"}]}
    assert to_builtins(done)["item"] == item
    assert to_builtins(talk.last(ResponseDone))["response"]["output"] == [item]
    assert talk.last(ConversationItemAdded).previous_item_id == "item_1"


def test_a_spoken_answer(talk: Talk) -> None:
    talk.ask()
    assert talk.clause("Hi there.", 100, [(3, 40), (9, 100)]) == [
        *talk.PART_OPEN,
        talk.WORDS,
        talk.SOUND,
        talk.WORDS,
        talk.SOUND,
    ]
    assert talk.finish() == [*talk.SPOKEN, "response.done"]
    assert [event.delta for event in talk.all(ResponseOutputAudioTranscriptDelta)] == ["Hi", " there."]
    assert b"".join(event.delta for event in talk.all(ResponseOutputAudioDelta)) == b"\1" * 4800
    assert talk.last(ResponseOutputAudioTranscriptDone).transcript == "Hi there."
    content = [{"type": "output_audio", "transcript": "Hi there."}]
    assert to_builtins(talk.last(ResponseOutputItemDone))["item"]["content"] == content


def test_a_function_call(talk: Talk) -> None:
    talk.ask()
    assert talk.call("look", '{"a":') == [*talk.ITEM_OPEN, talk.ARGUMENTS]
    assert talk.call("look", "1}") == [talk.ARGUMENTS]
    assert talk.finish() == [*talk.CALLED, "response.done"]
    done = talk.last(ResponseFunctionCallArgumentsDone)
    assert (done.name, done.call_id, done.arguments) == ("look", "call_look", '{"a":1}')
    item = to_builtins(talk.last(ResponseOutputItemDone))["item"]
    assert item == {
        "type": "function_call",
        "id": "item_1",
        "status": "completed",
        "call_id": "call_look",
        "name": "look",
        "arguments": '{"a":1}',
    }


def test_a_call_without_arguments_or_id(talk: Talk) -> None:
    talk.ask()
    assert talk.call("look", "", call_id=None) == [*talk.ITEM_OPEN]
    assert talk.finish() == [*talk.CALLED, "response.done"]
    assert talk.last(ResponseFunctionCallArgumentsDone).call_id == "call_1"


def test_parallel_calls_follow_each_other(talk: Talk) -> None:
    talk.ask()
    assert talk.call("look", "{}", 0) == [*talk.ITEM_OPEN, talk.ARGUMENTS]
    assert talk.call("take", "{}", 1) == [*talk.CALLED, *talk.ITEM_OPEN, talk.ARGUMENTS]
    assert talk.call("look", "late", 0) == []  # the first call has ended
    assert talk.finish() == [*talk.CALLED, "response.done"]
    assert [event.output_index for event in talk.all(ResponseOutputItemAdded)] == [0, 1]


def test_a_call_while_speech_is_on_its_way(talk: Talk) -> None:
    talk.ask()
    talk.clause("Let me look.", 2000)
    assert talk.call() == [*talk.ITEM_OPEN, talk.ARGUMENTS]
    assert talk.finish() == [*talk.CALLED]
    said = talk.tick(3)
    assert said[-6:] == [*talk.SPOKEN, "response.done"]
    output = talk.last(ResponseDone).response.output
    assert [item.type for item in output] == ["message", "function_call"]


def test_a_call_while_a_clause_is_unfinished_ends_the_clause(talk: Talk) -> None:
    talk.ask()
    response = talk.started.response_id
    talk.server.receive_clause(response, "Let me look.", talk.now)
    assert talk.call() == [*talk.PART_OPEN, talk.WORDS, *talk.SPOKEN, *talk.ITEM_OPEN, talk.ARGUMENTS]
    talk.server.receive_speech(response, bytes(4800), (), talk.now)
    talk.server.receive_clause_end(response, talk.now)
    assert talk.take() == []


def test_speech_between_calls_keeps_the_models_order(talk: Talk) -> None:
    talk.ask()
    talk.clause("One.", 1000)
    talk.call("look", index=0)
    assert talk.clause("Two.", 1000)[:6] == [*talk.CALLED, *talk.PART_OPEN]
    talk.call("take", index=1)
    talk.finish()
    talk.tick(5)
    output = talk.last(ResponseDone).response.output
    assert [item.type for item in output] == ["message", "function_call"] * 2


def test_text_around_a_call(talk: Talk) -> None:
    talk.ask(output_modalities=["text"])
    talk.text("Let me look.")
    assert talk.call() == [*talk.TEXT_DONE, *talk.ITEM_OPEN, talk.ARGUMENTS]
    assert talk.text("Well.") == [*talk.CALLED, *talk.PART_OPEN, talk.TEXT]
    assert talk.finish() == [*talk.TEXT_DONE, "response.done"]


def test_an_item_beside_the_conversation_has_no_events_of_the_conversation(talk: Talk) -> None:
    talk.ask(conversation="none")
    said = [*talk.text("Hi"), *talk.call(), *talk.clause("Hi", 100), *talk.finish()]
    assert not [name for name in said if name.startswith("conversation.")]
    assert len(talk.server._items) == 0
    assert talk.update(audio={"output": {"voice": "ash"}}) == ["session.updated"]


def test_what_the_client_truncates_while_it_is_spoken_was_not_said(talk: Talk) -> None:
    talk.ask()
    talk.clause("One two three four.", 2000, [(4, 100), (8, 300), (14, 600), (19, 2000)])
    cut = {"item_id": "item_1", "content_index": 0, "audio_end_ms": 350}
    assert talk.send("conversation.item.truncate", **cut) == ["conversation.item.truncated"]
    talk.tick(0.3)
    talk.send("response.cancel")
    said = "".join(event.delta for event in talk.all(ResponseOutputAudioTranscriptDelta))
    assert talk.last(ResponseOutputAudioTranscriptDone).transcript == said == "One two three four."
    content = [{"type": "output_audio", "transcript": "One two"}]
    assert to_builtins(talk.last(ResponseDone))["response"]["output"][0]["content"] == content
    talk.send("conversation.item.retrieve", item_id="item_1")
    assert talk.json["item"]["content"][0]["transcript"] == "One two"
    assert talk.send("conversation.item.truncate", **{**cut, "audio_end_ms": 351}) == ["error"]


def test_an_item_that_was_deleted_while_it_is_spoken_keeps_no_audio(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hello.", 2000)
    talk.send("conversation.item.delete", item_id="item_1")
    item = {"type": "message", "role": "user", "id": "item_1", "content": []}
    talk.send("conversation.item.create", item=item)
    talk.tick(1)
    assert talk.server._items.audio.get("item_1") is None
