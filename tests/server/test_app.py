"""The plain HTTP routes, and the application inside somebody else's server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from vivavoce.engines.registry import EngineChoice, build_local_engines
from vivavoce.engines.scripted import scripted_engines
from vivavoce.engines.vad.silero import SileroVad
from vivavoce.errors import ConfigurationError, EngineError
from vivavoce.pipeline import LocalSession, SessionOptions
from vivavoce.server import Limits, RealtimeApp, ServerConfig, create_app
from vivavoce.server.app import QUIET_PATHS
from vivavoce.server.config import GuardrailSpec
from vivavoce.server.keys import digest_of
from vivavoce.testing import run

Serve = Callable[..., AbstractAsyncContextManager[str]]


async def get(url: str, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        base = url.replace("ws://", "http://").replace("/v1/realtime", "")
        answer = await client.request(method, base + path, headers=headers)
        assert answer.headers["x-request-id"].startswith("req_")
        return answer


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/v1/chat/completions", 404, "not_found"),
        ("POST", "/healthz", 405, "method_not_supported"),
        ("GET", "/v1/realtime", 426, "upgrade_required"),
    ],
)
def test_errors_come_in_the_envelope(serving: Serve, method: str, path: str, status: int, code: str) -> None:
    async def scenario() -> None:
        async with serving() as url:
            answer = await get(url, path, method)
            assert answer.status_code == status
            assert error_of(answer)["code"] == code

    run(scenario())


def test_new_keys_are_read_while_the_server_runs(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(f'one = "sha256:{digest_of("sk-1").hex()}"\n')
    app = bench_app(ServerConfig(keys_file=file))

    async def models(key: str) -> int:
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return (await client.get("/v1/models", headers={"api-key": key})).status_code

    async def scenario() -> None:
        assert [await models("sk-1"), await models("sk-2")] == [200, 401]
        file.write_text(f'[two]\nhash = "sha256:{digest_of("sk-2").hex()}"\nmax_sessions = 1\n')
        app.reload_keys()
        assert [await models("sk-1"), await models("sk-2")] == [401, 200]
        file.write_text("")
        with pytest.raises(ConfigurationError, match="holds no key"):
            app.reload_keys()
        file.write_text("two = 3")
        with pytest.raises(ConfigurationError, match="needs a hash"):
            app.reload_keys()
        assert await models("sk-2") == 200

    run(scenario())


class Visit:
    """One WebSocket connection to the application as an ASGI server makes it, without a socket."""

    def __init__(self, app: RealtimeApp, path: str, root_path: str = "") -> None:
        self._app = app
        self._scope = {
            "type": "websocket",
            "path": path,
            "root_path": root_path,
            "headers": [],
            "query_string": b"",
            "subprotocols": [],
            "client": ("127.0.0.1", 1),
            "extensions": {"websocket.http.response": {}},
        }
        self.inbound: asyncio.Queue[Any] = asyncio.Queue()
        self.outbound: asyncio.Queue[Any] = asyncio.Queue()
        self.inbound.put_nowait({"type": "websocket.connect"})

    async def run(self) -> None:
        await self._app(self._scope, self.inbound.get, self.outbound.put)

    async def event(self) -> dict[str, Any]:
        message = await self.outbound.get()
        assert message["type"] == "websocket.send", message
        event: dict[str, Any] = json.loads(message["text"])
        return event


def bench_app(config: ServerConfig | None = None) -> RealtimeApp:
    engines = build_local_engines(EngineChoice(preset="bench"))
    return create_app(config or ServerConfig(), engines)


def test_the_default_number_of_sessions_follows_the_usable_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.server.app.usable_cpus", lambda: 3)
    assert bench_app().max_sessions == 600


def test_a_voice_that_the_engines_do_not_have_is_refused_by_name() -> None:
    session = SessionOptions(voice="nobody")
    with pytest.raises(ConfigurationError, match=r"voice 'nobody'; choose one of alloy, echo"):
        create_app(ServerConfig(session=session), scripted_engines())
    create_app(ServerConfig(session=replace(session, voice="echo")), scripted_engines())


def test_mounted_below_a_path_the_socket_still_answers() -> None:
    async def scenario() -> None:
        app = bench_app()
        visit = Visit(app, "/voice/v1/realtime", root_path="/voice")
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(visit.run())
            assert (await visit.outbound.get())["type"] == "websocket.accept"
            assert (await visit.event())["type"] == "session.created"
            assert app.sessions == 1
            visit.inbound.put_nowait({"type": "websocket.disconnect", "code": 1000})
        assert app.sessions == 0

    run(scenario())


def test_a_session_that_an_engine_refuses_is_closed_with_1011_and_the_others_go_on() -> None:
    class OneStreamVad(SileroVad):
        def open(self) -> int:
            slot = super().open()
            if slot:
                raise EngineError("one stream is enough")
            return slot

    async def scenario() -> None:
        engines = replace(build_local_engines(EngineChoice(preset="bench")), vad=OneStreamVad())
        app = create_app(ServerConfig(), engines)
        healthy, refused = Visit(app, "/v1/realtime"), Visit(app, "/v1/realtime")
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(healthy.run())
            await healthy.outbound.get()
            await healthy.event()
            await refused.run()
            assert [refused.outbound.get_nowait().get("code") for _ in range(2)] == [None, 1011]
            assert app.sessions == 1
            healthy.inbound.put_nowait({"type": "websocket.receive", "text": "{"})
            assert (await healthy.event())["type"] == "error"
            healthy.inbound.put_nowait({"type": "websocket.disconnect", "code": 1000})

    run(scenario())


def test_a_large_message_that_the_stack_lets_through_is_an_error_event() -> None:
    async def scenario() -> None:
        visit = Visit(bench_app(ServerConfig(limits=Limits(max_message_bytes=100))), "/v1/realtime")
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(visit.run())
            await visit.outbound.get()
            await visit.event()
            for text in ("x" * 101, "é" * 51):
                visit.inbound.put_nowait({"type": "websocket.receive", "text": text})
                assert (await visit.event())["error"]["code"] == "message_too_large"
            visit.inbound.put_nowait({"type": "websocket.receive", "text": "é" * 50})
            assert (await visit.event())["error"]["code"] != "message_too_large"
            visit.inbound.put_nowait({"type": "websocket.disconnect", "code": 1000})

    run(scenario())


def test_a_flood_is_read_at_a_bounded_rate_and_a_usual_stream_at_once() -> None:
    async def seconds_for(messages: int, gap_s: float) -> float:
        visit = Visit(bench_app(ServerConfig(limits=Limits(max_messages_per_s=100))), "/v1/realtime")
        append = {"type": "websocket.receive", "text": '{"type": "input_audio_buffer.append", "audio": ""}'}
        clear = {"type": "websocket.receive", "text": '{"type": "input_audio_buffer.clear"}'}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(visit.run())
            await visit.outbound.get()
            await visit.event()
            for _ in range(messages):
                visit.inbound.put_nowait(append)
                await asyncio.sleep(gap_s)
            sent = asyncio.get_running_loop().time()
            visit.inbound.put_nowait(clear)
            while (await visit.event())["type"] != "input_audio_buffer.cleared":
                pass
            visit.inbound.put_nowait({"type": "websocket.disconnect", "code": 1000})
            return asyncio.get_running_loop().time() - sent

    assert run(seconds_for(640, 0.0)) == pytest.approx(6.4, abs=0.4)
    assert run(seconds_for(640, 0.02)) < 0.02


def test_large_messages_are_read_at_a_bounded_rate() -> None:
    async def scenario() -> float:
        visit = Visit(bench_app(ServerConfig(limits=Limits(max_bytes_per_s=1024 * 1024))), "/v1/realtime")
        text = json.dumps({"type": "input_audio_buffer.clear", "event_id": "e"}).ljust(512 * 1024)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(visit.run())
            await visit.outbound.get()
            await visit.event()
            began = asyncio.get_running_loop().time()
            for _ in range(9):
                visit.inbound.put_nowait({"type": "websocket.receive", "text": text})
            for _ in range(9):
                assert (await visit.event())["type"] == "input_audio_buffer.cleared"
            visit.inbound.put_nowait({"type": "websocket.disconnect", "code": 1000})
            return asyncio.get_running_loop().time() - began

    assert run(scenario()) == pytest.approx(4.0, abs=0.1)


def test_closing_the_application_ends_its_sessions_and_refuses_new_ones() -> None:
    async def scenario() -> None:
        app = bench_app()
        visit, late = Visit(app, "/v1/realtime"), Visit(app, "/v1/realtime")
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(visit.run())
            await visit.outbound.get()
            await visit.event()
            await app.aclose()
            close = await visit.outbound.get()
            assert (close["type"], close["code"]) == ("websocket.close", 1001)
            await late.run()
            refusal = await late.outbound.get()
            assert refusal["status"] == 503
            assert b"server_shutting_down" in (await late.outbound.get())["body"]
        assert app.sessions == 0
        await app.aclose()

    run(scenario())


def test_closing_takes_less_than_a_second_when_a_peer_does_not_read() -> None:
    async def scenario() -> float:
        app = bench_app()
        visit = Visit(app, "/v1/realtime")
        visit.outbound = asyncio.Queue(1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(visit.run())
            await visit.outbound.get()
            await visit.event()
            visit.outbound.put_nowait("this and nothing more")
            began = asyncio.get_running_loop().time()
            await app.aclose()
            assert app.sessions == 0
            return asyncio.get_running_loop().time() - began

    assert run(scenario()) < 1.0


def test_who_comes_in_while_the_application_closes_is_sent_away() -> None:
    async def scenario() -> None:
        app = bench_app()
        visit = Visit(app, "/v1/realtime")
        visit.outbound = asyncio.Queue(1)
        visit.outbound.put_nowait("the handshake's answer has to wait")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(visit.run())
            for _ in range(5):
                await asyncio.sleep(0)
            assert app.sessions == 1
            await app.aclose()
            received = [await visit.outbound.get() for _ in range(4)][1:]
        assert [message["type"] for message in received] == [
            "websocket.accept",
            "websocket.send",
            "websocket.close",
        ]
        assert received[-1]["code"] == 1001
        assert app.sessions == 0

    run(scenario())


def test_a_session_that_does_not_end_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang(self: LocalSession) -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        app = bench_app()
        visit = Visit(app, "/v1/realtime")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(visit.run())
            await visit.outbound.get()
            await visit.event()
            await app.aclose()
            assert asyncio.get_running_loop().time() <= 2.0
        assert app.sessions == 0

    monkeypatch.setattr(LocalSession, "aclose", hang)
    run(scenario())
    assert "session did not end cleanly" in caplog.messages


def test_the_end_of_the_lifespan_closes_sessions_and_health_says_so() -> None:
    async def scenario() -> None:
        app = bench_app()
        inbound: asyncio.Queue[Any] = asyncio.Queue()
        sent: list[str] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        inbound.put_nowait({"type": "lifespan.startup"})
        inbound.put_nowait({"type": "lifespan.shutdown"})
        await app({"type": "lifespan", "state": {}}, inbound.get, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["status"] == "draining"

    run(scenario())


def test_the_guardrails_of_the_operator_are_asked() -> None:
    async def scenario() -> None:
        config = ServerConfig(guardrails=(GuardrailSpec("words", {"words": ["stocks"], "of": "agent"}),))
        app = create_app(config, scripted_engines(answers=[["Buy stocks now, please."]]))
        visit = Visit(app, "/v1/realtime")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(visit.run())
            await visit.outbound.get()
            await visit.event()
            update = {"type": "realtime", "output_modalities": ["text"]}
            for event in ({"type": "session.update", "session": update}, {"type": "response.create"}):
                visit.inbound.put_nowait({"type": "websocket.receive", "text": json.dumps(event)})
            said: list[dict[str, Any]] = []
            while not said or said[-1]["type"] != "response.done":
                said.append(await visit.event())
            assert said[-1]["response"]["status_details"]["reason"] == "content_filter"
            assert "stocks" not in json.dumps(said)
            await app.aclose()

    run(scenario())


def test_a_request_is_logged_with_its_id_and_the_name_of_its_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "vivavoce.server.app")
    app = bench_app(ServerConfig(api_keys=("lab=sk-1",)))

    async def scenario() -> list[str]:
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 7))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for path in QUIET_PATHS:
                await client.get(path)
            answers = [await client.get(f"/v1/models?api-key={key}") for key in ("sk-1", "sk-2")]
        return [answer.headers["x-request-id"] for answer in answers]

    ids = run(scenario())
    lines = [vars(record) for record in caplog.records if record.message == "request"]
    assert [(line["path"], line["status"], line["key"]) for line in lines] == [
        ("/v1/models", 200, "lab"),
        ("/v1/models", 401, None),
    ]
    assert [line["request_id"] for line in lines] == ids
    assert {(line["method"], line["client"], line["client_port"]) for line in lines} == {
        ("GET", "127.0.0.1", 7)
    }
    assert "sk-" not in " ".join(map(str, lines))
