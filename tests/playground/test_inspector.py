"""Events, cost and pictures."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.playground.visit import home

from vivavoce.engines.scripted import scripted_engines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.async_api import WebSocketRoute
    from tests.playground.conftest import Visit

pytestmark = pytest.mark.browser

MOST_CHARACTERS = 200_000
PICTURE = """
async ([width, how]) => {
  const canvas = Object.assign(document.createElement("canvas"), {width, height: width / 2});
  const context = canvas.getContext("2d");
  const noise = context.createImageData(width, width / 2);
  for (let n = 0; n < noise.data.length; n += 4) {
    for (let k = 0; k < 3; k += 1) noise.data[n + k] = (n * 7919 * (k + 1)) % 251;
    noise.data[n + 3] = 255;
  }
  context.putImageData(noise, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const data = new DataTransfer();
  data.items.add(new File([blob], "noise.png", {type: "image/png"}));
  const event = how === "paste"
    ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})
    : new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
  document.body.dispatchEvent(event);
}
"""


SILENCE = base64.b64encode(bytes(4800)).decode()


def server_saying(*events: dict[str, Any]) -> Callable[[WebSocketRoute], None]:
    """The server's end of a WebSocket that says these events when it is asked for a response."""

    def begin(route: WebSocketRoute) -> None:
        def say(event: dict[str, Any]) -> None:
            route.send(json.dumps({"event_id": "e", **event}))

        def receive(text: str | bytes) -> None:
            event = json.loads(text)
            if event["type"] == "session.update":
                session = {"id": "sess_1", "model": "m", **event["session"]}
                say({"type": "session.updated", "session": session})
            elif event["type"] == "response.create":
                for one in events:
                    say(one)

        route.on_message(receive)
        say({"type": "session.created", "session": {"id": "sess_1", "model": "m", "audio": {"input": {}}}})

    return begin


def test_nothing_is_heard_before_it_is_made(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    """The page and the server each have a clock, and begin to count at different moments."""
    stages = {"end_of_speech": 0, "end_of_turn": 300, "transcript": 500, "first_token": 700}
    stages["first_audio"] = 60_000
    done = {"id": "resp_1", "status": "completed", "output": [{"id": "item_2"}]}
    handler = server_saying(
        {"type": "input_audio_buffer.speech_started", "item_id": "item_1"},
        {"type": "input_audio_buffer.speech_stopped", "item_id": "item_1"},
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_audio.delta", "item_id": "item_2", "delta": SILENCE},
        {"type": "response.done", "response": done, "stage_times": stages},
    )

    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url) as person:
            await person.routed(handler)
            await person.choose("WebSocket")
            await person.type("Hello.")
            await person.sees(".turn dt", "Heard here")
            assert await person.page.locator(".turn dt").all_inner_texts() == [
                "Turn over",
                "Transcript",
                "First word",
                "First sound",
                "Heard here",
            ]
            values = await person.page.locator(".turn dd").all_inner_texts()
            assert values == ["300 ms", "500 ms", "700 ms", "60000 ms", "60000 ms"]

    playground_loop.run(main())


@pytest.mark.parametrize("written", [True, False])
def test_a_turn_without_words(playground_loop: asyncio.Runner, person_at: Visit, written: bool) -> None:
    """Nothing could be understood, or nothing was to be written down: the page knows which."""
    item = {"id": "item_1", "type": "message", "role": "user", "status": "completed"}
    spoken = {**item, "content": [{"type": "input_audio", "transcript": None}]}
    transcript = {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": "item_1",
        "transcript": "",
    }
    handler = server_saying(
        {"type": "input_audio_buffer.speech_started", "item_id": "item_1"},
        {"type": "input_audio_buffer.speech_stopped", "item_id": "item_1"},
        {"type": "conversation.item.added", "item": spoken},
        *([transcript] if written else []),
        {"type": "conversation.item.done", "item": spoken},
    )

    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url) as person:
            await person.routed(handler)
            await person.choose("WebSocket")
            await person.page.set_checked("[name=transcribe]", written)
            await person.type("Hello.")
            words = "No words understood." if written else "Spoken, not written down."
            await person.sees(".entry.user .said", words)

    playground_loop.run(main())


def test_events_can_be_searched_filtered_and_read(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    engines = scripted_engines(answers=[["The weather is sunny."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            page = person.page
            await person.choose("WebSocket")
            await person.type("Hello <b>there</b>.")
            await person.sees(".chip", "first sound after")
            assert await person.see(".entry.user .said").inner_text() == "Hello <b>there</b>."
            await person.tab("Events")
            everything = await page.inner_text("#events-count")
            await page.fill("#search", "weather sunny")
            await person.sees("#events-count", re.compile(r"^\d+ of \d+ events"))
            assert await person.see(".row-event", "input_audio_buffer").count() == 0
            await page.fill("#search", "")
            await page.select_option("#direction", "client")
            await person.sees(".row-event", "response.create")
            assert await person.see(".row-event.server").count() == 0
            await page.select_option("#direction", "")
            await page.select_option("#family", "session")
            await person.sees("#events-count", "3 of")
            await page.focus("#rows")
            await page.keyboard.press("Home")
            assert json.loads(await page.inner_text("#detail-text"))["type"] == "session.created"
            await page.keyboard.press("ArrowDown")
            assert json.loads(await page.inner_text("#detail-text"))["type"] == "session.update"
            chosen = await page.get_attribute("#rows", "aria-activedescendant")
            assert await page.get_attribute(f"#{chosen}", "aria-selected") == "true"
            await page.keyboard.press("Escape")
            await page.wait_for_selector("#detail", state="hidden")
            await page.select_option("#family", "")
            await person.sees(".row-event", re.compile("response.output_audio.delta.*(×|kB)"))
            await person.press("Clear the list")
            await person.sees("#events-count", "No events yet")
            assert everything != "No events yet"

    playground_loop.run(main())


def test_the_list_holds_the_newest_and_draws_those_in_sight(
    playground_loop: asyncio.Runner, person_at: Visit
) -> None:
    """Twenty thousand events: the page stays quick, and says how many are gone."""

    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url) as person:
            await person.tab("Events")
            took = await person.page.evaluate("""async () => {
              const {EventsLog} = await import("./playground/js/events_log.js");
              const {EventsView} = await import("./playground/js/events_view.js");
              const log = new EventsLog(() => 1);
              const began = performance.now();
              for (let n = 0; n < 20000; n += 1) log.add("server", {type: "conversation.item.added", n});
              const added = performance.now() - began;
              new EventsView(log).refresh();
              return [added, performance.now() - began, log.entries.length, log.dropped];
            }""")
            assert took[0] < 2000
            assert took[1] < 3000
            assert took[2] + took[3] == 20_000
            assert took[2] <= 5500
            assert await person.page.locator(".row-event").count() < 60
            await person.sees("#events-count", "older ones are gone")

    playground_loop.run(main())


def test_tokens_are_counted_and_cost_what_the_table_says(
    playground_loop: asyncio.Runner, person_at: Visit
) -> None:
    prices = {"currency": "EUR", "models": {"vivavoce-local": {"text_input": 1_000_000, "audio_output": 0}}}

    async def main() -> None:
        async with home(scripted_engines(answers=[["Yes."]])) as house, person_at(house.url) as person:
            await person.choose("WebSocket")
            await person.type("Hello.")
            await person.sees(".chip", "first sound after")
            await person.tab("Session")
            await person.sees("#cost-note", "no price for vivavoce-local")
            await person.page.fill("#prices", json.dumps(prices))
            tokens = (await person.event("response.done"))["response"]["usage"]
            await person.tab("Session")
            read = tokens["input_token_details"]["text_tokens"]
            await person.sees("#cost", f"€{read:,}.00")
            await person.sees("#tokens tr", re.compile(f"^Text{read}"))
            await person.sees("#session-facts", "sess_")

    playground_loop.run(main())


@pytest.mark.parametrize("transport", ["WebRTC", "WebSocket"])
@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_picture_is_made_small_and_sent(
    playground_loop: asyncio.Runner, person_at: Visit, transport: str, how: str
) -> None:
    engines = scripted_engines(answers=[["A picture."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.choose(transport)
            await person.page.evaluate(PICTURE, [1600, how])
            await person.sees(".picture img")
            await person.press("Remove picture 1")
            assert await person.see(".picture").count() == 0
            await person.page.evaluate(PICTURE, [1600, how])
            await person.sees(".picture img")
            await person.type("What is this?")
            await person.sees(".entry.user img")
            await person.sees(".entry.assistant .said", "A picture.")
            await person.picture("picture")
            (request,) = engines.llm.requests  # type: ignore[attr-defined]
            sent = repr(request)
            assert "data:image/jpeg;base64," in sent
            assert len(sent) < MOST_CHARACTERS

    playground_loop.run(main())


def test_a_file_that_is_no_picture_is_refused(
    playground_loop: asyncio.Runner, person_at: Visit, tmp_path: Path
) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("Dear Sir")

    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url) as person:
            await person.page.set_input_files("#file", text)
            await person.sees(".notice", "“letter.txt” is no picture")
            await person.press("Dismiss")
            assert await person.see(".notice").count() == 0

    playground_loop.run(main())
