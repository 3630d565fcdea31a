"""The routes: who may call, how many, what is answered, and how it all ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from tests.web.pages import LOCAL, page

from vivavoce import RealtimeAgent, RealtimeRunner, RunContextWrapper
from vivavoce.errors import ConfigurationError, ConnectionLostError, MissingExtraError
from vivavoce.testing import ScriptedRealtimeModel
from vivavoce.web import BrowserCalls, CallOptions, RtcConfig

PATH = "/voice/calls"
AGENT = RealtimeAgent[Any](name="Ada")


def of_header(request: Request) -> str | None:
    return request.headers.get("x-user")


def calls_for(model: Any = ScriptedRealtimeModel, *, agent: Any = AGENT, **more: Any) -> BrowserCalls:
    more.setdefault("options", CallOptions(rtc=LOCAL))
    return BrowserCalls(RealtimeRunner(agent, model=model), authorize=of_header, **more)


@asynccontextmanager
async def open_house(calls: BrowserCalls) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=Starlette(routes=calls.routes(PATH)))
    async with calls, httpx.AsyncClient(transport=transport, base_url="http://shop.example") as web:
        yield web


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def over(calls: BrowserCalls) -> None:
    """Wait until the calls that are being carried have ended."""
    if calls._carrying:
        await asyncio.wait(calls._carrying, timeout=5)


def test_a_call_is_created_and_named() -> None:
    async def story() -> None:
        calls = calls_for()
        async with open_house(calls) as web, page() as browser:
            answer = await browser.call(web, PATH, x_user="ada")
            assert answer.status_code == 201
            assert answer.headers["content-type"] == "application/sdp"
            assert answer.headers["location"] == f"{PATH}/{calls.calls[0].id}"
            assert calls.calls[0].id.startswith("rtc_")
            assert calls.calls[0].user == "ada"
            assert len(calls) == 1

    asyncio.run(story())


def test_who_may_not_call_costs_nothing() -> None:
    async def story() -> None:
        model = ScriptedRealtimeModel()
        calls = calls_for(model)
        async with open_house(calls) as web, page() as nobody, page() as stranger:
            assert code(await nobody.call(web, PATH)) == (401, "not_signed_in")
            refused = await stranger.call(web, PATH, x_user="ada", origin="https://evil.example")
            assert code(refused) == (403, "origin_not_allowed")
            for offer in (b"hello", b"v=0\r\n"):
                headers = {"content-type": "application/sdp", "x-user": "ada"}
                garbage = await web.post(PATH, content=offer, headers=headers)
                assert code(garbage) == (400, "invalid_offer")
            assert model.connect_calls == ()
            assert len(calls) == 0

    asyncio.run(story())


@pytest.mark.parametrize("way", ["delete", "hangup"])
def test_a_call_is_hung_up_by_its_user_and_by_nobody_else(way: str) -> None:
    async def story() -> None:
        calls = calls_for()
        async with open_house(calls) as web, page() as browser:
            await browser.call(web, PATH, x_user="ada")

            async def hang_up(user: str, place: str = browser.location) -> httpx.Response:
                named = {"x-user": user}
                if way == "delete":
                    return await web.delete(place, headers=named)
                return await web.post(f"{place}/hangup", headers=named)

            assert code(await hang_up("eve")) == (404, "call_not_found")
            assert code(await hang_up("ada", f"{PATH}/rtc_none")) == (404, "call_not_found")
            assert (await hang_up("ada")).status_code == (204 if way == "delete" else 200)
            await browser.until(lambda: browser.ended)
            await over(calls)
            assert code(await hang_up("ada")) == (404, "call_not_found")

    asyncio.run(story())


def test_there_are_so_many_lines_and_so_many_for_one_user() -> None:
    async def story() -> None:
        calls = calls_for(options=CallOptions(rtc=LOCAL, max_calls=2, max_calls_per_user=1))
        async with open_house(calls) as web, page() as first, page() as second, page() as third:
            assert (await first.call(web, PATH, x_user="ada")).status_code == 201
            own = await second.call(web, PATH, x_user="ada")
            assert code(own) == (429, "user_call_limit_reached")
            assert own.json()["error"]["message"] == "You are in a call already; end it first."
            async with page() as again:
                assert (await again.call(web, PATH, x_user="eve")).status_code == 201
                full = await third.call(web, PATH, x_user="bob")
                assert code(full) == (503, "call_limit_reached")
                assert int(full.headers["retry-after"]) > 0
            await first.peer.aclose()
            await over(calls)
            async with page() as later:
                assert (await later.call(web, PATH, x_user="bob")).status_code == 201

    asyncio.run(story())


def test_who_has_several_calls_is_told_how_many() -> None:
    async def story() -> None:
        calls = calls_for(options=CallOptions(rtc=LOCAL, max_calls_per_user=2))
        async with open_house(calls) as web, page() as first, page() as second, page() as third:
            for browser in (first, second):
                assert (await browser.call(web, PATH, x_user="ada")).status_code == 201
            refused = await third.call(web, PATH, x_user="ada")
            assert refused.json()["error"]["message"] == "You have 2 calls already; end one first."

    asyncio.run(story())


@dataclass
class Basket:
    """What tools of one user's call get."""

    user: str


def test_tools_get_a_context_made_for_the_user() -> None:
    contexts: list[Any] = []

    def instructions(context: RunContextWrapper[Any], _agent: Any) -> str:
        contexts.append(context.context)
        return "Help."

    async def basket_of(user: str) -> Basket:
        return Basket(user)

    async def story() -> None:
        calls = calls_for(agent=RealtimeAgent(name="Ada", instructions=instructions), context=basket_of)
        async with open_house(calls) as web, page() as browser:
            await browser.call(web, PATH, x_user="ada")
            assert contexts == [Basket("ada")]

    asyncio.run(story())


def test_the_model_is_reached_as_the_application_says() -> None:
    async def story() -> None:
        model = ScriptedRealtimeModel()
        config = {
            "api_key": "sk-x",
            "initial_model_settings": {"voice": "ash", "output_audio_format": "g711_ulaw"},
        }
        async with open_house(calls_for(model, model_config=config)) as web, page() as browser:
            await browser.call(web, PATH, x_user="ada")
            assert model.connect_calls[0].api_key_provided
            update: Any = model.sent_events[0]
            assert update.session.audio.output.voice == "ash"
            assert update.session.audio.output.format.type == "audio/pcm"

    asyncio.run(story())


def test_where_the_agent_cannot_be_reached_the_page_is_told_and_the_log_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        calls = calls_for(ScriptedRealtimeModel(connect_error=ConnectionLostError("no route to sk-host")))
        async with open_house(calls) as web, page() as browser:
            answer = await browser.call(web, PATH, x_user="ada")
            assert code(answer) == (502, "agent_unavailable")
            assert "sk-host" not in answer.text
            assert len(calls) == 0

    asyncio.run(story())
    assert "no route to sk-host" in caplog.text


def test_what_the_application_raises_is_its_own(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_user: str) -> None:
        raise KeyError("a bug")

    async def story() -> None:
        calls = calls_for(context=broken)
        async with open_house(calls) as web, page() as browser:
            with pytest.raises(KeyError, match="a bug"):
                await browser.call(web, PATH, x_user="ada")
            assert len(calls) == 0

    asyncio.run(story())


def test_without_a_port_left_a_call_is_refused_for_now() -> None:
    async def story() -> None:
        async with page() as holder, page() as browser:
            offer = await holder.peer.offer()
            taken = next(
                int(line.split()[5])
                for line in offer.splitlines()
                if line.startswith("a=candidate") and "127.0.0.1" in line
            )
            rtc = RtcConfig(addresses=("127.0.0.1",), udp_ports=(taken, taken))
            async with open_house(calls_for(options=CallOptions(rtc=rtc))) as web:
                answer = await browser.call(web, PATH, x_user="ada")
                assert code(answer) == (503, "no_port_left")

    asyncio.run(story())


def test_when_the_application_ends_all_calls_end_within_a_second_and_no_more_begin() -> None:
    async def attend(session: Any, _user: str) -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        calls = calls_for(on_session=attend)
        async with page() as one, page() as other, page() as late:
            async with open_house(calls) as web:
                for browser in (one, other):
                    await browser.call(web, PATH, x_user="ada")
                began = time.monotonic()
                await calls.aclose()
                assert time.monotonic() - began < 2
                await one.until(lambda: one.ended)
                await other.until(lambda: other.ended)
                assert code(await late.call(web, PATH, x_user="ada")) == (503, "shutting_down")
            assert len(calls) == 0

    asyncio.run(story())


class Slow(ScriptedRealtimeModel):
    """Takes its time to connect: until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    async def connect(self, config: Any) -> None:
        self.asked.set()
        await self.let.wait()
        await super().connect(config)


def test_a_call_that_is_about_to_begin_when_the_application_ends_does_not_begin() -> None:
    async def story() -> None:
        model = Slow()
        calls = calls_for(model)
        async with page() as browser, asyncio.TaskGroup() as group:
            async with open_house(calls) as web:
                calling = group.create_task(browser.call(web, PATH, x_user="ada"))
                await model.asked.wait()
                await calls.aclose()
                model.let.set()
                assert code(await calling) == (503, "shutting_down")
            assert len(calls) == 0
            assert not model.connected

    asyncio.run(story())


def test_a_page_that_gives_up_while_it_waits_costs_nothing_more() -> None:
    async def story() -> None:
        model = Slow()
        calls = calls_for(model)
        async with open_house(calls) as web, page() as browser:
            calling = asyncio.ensure_future(browser.call(web, PATH, x_user="ada"))
            await model.asked.wait()
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
            assert len(calls) == 0

    asyncio.run(story())


def test_an_application_that_does_not_end_its_calls_is_warned_once(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        calls = calls_for()
        transport = httpx.ASGITransport(app=Starlette(routes=calls.routes(PATH)))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as web:
            for _ in range(2):
                async with page() as browser:
                    assert (await browser.call(web, PATH, x_user="ada")).status_code == 201
                    await web.delete(browser.location, headers={"x-user": "ada"})
                    await over(calls)
        await calls.aclose()

    asyncio.run(story())
    assert caplog.text.count("lifespan=calls.lifespan") == 1


@pytest.mark.parametrize("framework", [Starlette, FastAPI])
def test_the_lifespan_of_an_application_opens_and_closes_the_line(framework: Any) -> None:
    calls = calls_for()
    app = framework(lifespan=calls.lifespan)
    app.routes.extend(calls.routes(PATH + "/"))
    with TestClient(app) as web:
        assert code(web.post(PATH)) == (401, "not_signed_in")
        assert web.get(PATH).status_code == 405
        assert code(web.post(PATH, headers={"x-user": "ada"})) == (415, "unsupported_content_type")
        assert code(web.delete(f"{PATH}/rtc_1", headers={"x-user": "ada"})) == (404, "call_not_found")
    assert calls._closed


def test_a_model_config_that_cannot_work_is_a_mistake_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"model_config\.api_kee"):
        calls_for(model_config={"api_kee": "sk-x"})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"runner": AGENT}, r"got a RealtimeAgent: RealtimeRunner\(agent\) makes one"),
        ({"authorize": "ada"}, "authorize must be a function of the request, got 'ada'"),
        ({"on_session": "hello"}, "on_session must be a function, got 'hello'"),
        ({"context": {}}, "context must be a function, got {}"),
        ({"options": {"max_calls": 1}}, r"options must be CallOptions\(…\)"),
        ({"origins": "https://a.example"}, r"give a tuple: \('https://a.example',\)"),
    ],
)
def test_arguments_of_another_kind_are_mistakes_at_once(wrong: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"runner": RealtimeRunner(AGENT), "authorize": of_header, **wrong}
    with pytest.raises(ConfigurationError, match=words):
        BrowserCalls(given.pop("runner"), **given)


def test_without_aiortc_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from vivavoce.web import calls as module

    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[webrtc\]"):
        calls_for()
