"""Where Azure is, what it is shown, and a local server that asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from vivavoce.agents import RealtimeAgent
from vivavoce.connections.websocket import WebSocketRealtimeModel
from vivavoce.engines.base import Engines
from vivavoce.engines.scripted import scripted_engines
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.providers.azure import azure_endpoint, is_azure
from vivavoce.providers.base import Endpoint, Target
from vivavoce.server import ServerConfig
from vivavoce.server import serve as serve_realtime
from vivavoce.session import RealtimeRunner

RESOURCE = "https://res.openai.azure.com"
HOST = "wss://res.openai.azure.com"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln"
PREVIEW = "2025-04-01-preview"


def resolve(**fields: Any) -> Endpoint:
    return asyncio.run(azure_endpoint(Target(**{"url": RESOURCE, "api_key": "k", "model": "dep", **fields})))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "/openai/v1/realtime?model=dep"),
        ("/", "/openai/v1/realtime?model=dep"),
        ("/openai", "/openai/v1/realtime?model=dep"),
        ("/openai/v1", "/openai/v1/realtime?model=dep"),
        ("/openai/v1/realtime", "/openai/v1/realtime?model=dep"),
        ("/openai/v1/realtime?model=other", "/openai/v1/realtime?model=other"),
        ("/gateway", "/gateway/openai/v1/realtime?model=dep"),
        ("/gateway/realtime", "/gateway/realtime?model=dep"),
        (f"?api-version={PREVIEW}", f"/openai/realtime?api-version={PREVIEW}&deployment=dep"),
        (f"/openai?api-version={PREVIEW}", f"/openai/realtime?api-version={PREVIEW}&deployment=dep"),
        (
            f"/openai/realtime?api-version={PREVIEW}&deployment=other",
            f"/openai/realtime?api-version={PREVIEW}&deployment=other",
        ),
        ("/openai/v1?api-version=preview", "/openai/v1/realtime?api-version=preview&model=dep"),
    ],
)
def test_both_forms_of_the_url(url: str, expected: str) -> None:
    endpoint = resolve(url=RESOURCE + url)
    assert endpoint.url == HOST + expected
    assert bool(endpoint.hint) is ("/openai/realtime" in expected)


@pytest.mark.parametrize(
    ("version", "url", "expected"),
    [
        (PREVIEW, "", f"/openai/realtime?deployment=dep&api-version={PREVIEW}"),
        (PREVIEW, "/openai/realtime", f"/openai/realtime?deployment=dep&api-version={PREVIEW}"),
        (PREVIEW, "/openai/v1", "/openai/v1/realtime?model=dep"),
        ("2024-10-21", "", "/openai/v1/realtime?model=dep"),
    ],
)
def test_the_version_in_the_environment_asks_for_the_preview_form(
    monkeypatch: pytest.MonkeyPatch, version: str, url: str, expected: str
) -> None:
    monkeypatch.setenv("OPENAI_API_VERSION", version)
    assert resolve(url=RESOURCE + url).url == HOST + expected


def test_a_call_is_attached_to_by_its_id_alone() -> None:
    assert resolve(call_id="rtc_1", model=None).url == f"{HOST}/openai/v1/realtime?call_id=rtc_1"


async def _token() -> str:
    return "short-lived"


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"api_key": "k"}, {"api-key": "k"}),
        ({"api_key": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}),
        ({"api_key": lambda: "t"}, {"Authorization": "Bearer t"}),
        ({"api_key": _token}, {"Authorization": "Bearer short-lived"}),
        ({"headers": {"API-Key": "own"}}, {"API-Key": "own"}),
        ({"headers": {"Authorization": "own"}}, {"Authorization": "own"}),
        ({"headers": {"X": "y"}}, {"api-key": "k", "X": "y"}),
    ],
)
def test_keys_and_tokens_have_a_header_each(fields: dict[str, Any], headers: dict[str, str]) -> None:
    assert resolve(**fields).headers == headers


def test_the_environment_names_resource_deployment_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("AZURE_OPENAI_DEPLOYMENT", "env-dep")
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "env-token")
    none: dict[str, Any] = {"url": None, "api_key": None, "model": None}
    endpoint = resolve(**none)
    assert endpoint == Endpoint(
        "ws://127.0.0.1:1/openai/v1/realtime?model=env-dep", {"Authorization": "Bearer env-token"}
    )
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "env-key")
    assert resolve(**none).headers == {"api-key": "env-key"}
    assert resolve(api_key=None).headers == {"api-key": "env-key"}


def test_azures_key_is_not_shown_to_a_strange_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "env-key")
    with pytest.raises(ConfigurationError, match="No key for Azure OpenAI"):
        resolve(url="https://res.openai.azure.com.evil.example", api_key=None)


def test_the_key_of_openais_client_is_taken_where_its_base_url_is_azures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{RESOURCE}/openai/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "their-key")
    assert resolve(url=f"{RESOURCE}/openai/v1", api_key=None).headers == {"api-key": "their-key"}


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"url": None}, "Azure's resource is missing: set AZURE_OPENAI_ENDPOINT"),
        ({"model": None}, "Azure's deployment is missing: set AZURE_OPENAI_DEPLOYMENT"),
        ({"api_key": None}, "No key for Azure OpenAI: set AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN"),
        ({"url": f"{RESOURCE}/openai/realtime"}, "needs an API version: add"),
        ({"url": "res.openai.azure.com"}, "is no URL of a realtime server"),
    ],
)
def test_what_is_missing_is_named(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        resolve(**fields)


@pytest.mark.parametrize(
    ("url", "azure"),
    [
        (RESOURCE, True),
        ("wss://res.openai.azure.us/openai", True),
        ("https://res.cognitiveservices.azure.com", True),
        ("https://res.services.ai.azure.com/openai/v1", True),
        ("https://openai.azure.com.evil.example", False),
        ("https://api.openai.com", False),
    ],
)
def test_which_hosts_are_azures(url: str, azure: bool) -> None:
    assert is_azure(url) is azure


# --- on the wire ------------------------------------------------------------------------------------------


class FakeAzure:
    """Lets in who knows the deployment and has the key or the token, as Azure does."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[str] = []

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.seen.append(request.path)
        if request.headers.get("api-key") != "k" and request.headers.get("Authorization") != "Bearer t":
            return connection.respond(HTTPStatus.UNAUTHORIZED, "Access denied")
        known = {
            "/openai/v1/realtime?model=dep",
            f"/openai/realtime?deployment=dep&api-version={PREVIEW}",
            f"/openai/realtime?api-version={PREVIEW}&deployment=dep",
        }
        return None if request.path in known else connection.respond(HTTPStatus.NOT_FOUND, "Not found")

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[FakeAzure]:
        async def handler(socket: ServerConnection) -> None:
            await socket.wait_closed()

        async with serve(handler, "127.0.0.1", 0, close_timeout=0.1, process_request=self.admit) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self


@pytest.mark.parametrize("key", ["k", lambda: "t"])
@pytest.mark.parametrize("version", [None, PREVIEW])
def test_a_connection_to_azure_in_both_forms_with_both_keys(
    monkeypatch: pytest.MonkeyPatch, key: Any, version: str | None
) -> None:
    async def main() -> None:
        async with FakeAzure().serve() as azure:
            monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", azure.url)
            if version:
                monkeypatch.setenv("OPENAI_API_VERSION", version)
            model = WebSocketRealtimeModel(provider="azure")
            await model.connect({"api_key": key, "initial_model_settings": {"model_name": "dep"}})
            await model.close()

    asyncio.run(main())


def test_a_refusal_says_which_form_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with FakeAzure().serve() as azure:
            monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", azure.url)
            model = WebSocketRealtimeModel(provider="azure", api_key="wrong")
            config: Any = {"initial_model_settings": {"model_name": "dep"}}
            with pytest.raises(ConnectionLostError, match=r"HTTP 401 Access denied$"):
                await model.connect(config)
            monkeypatch.setenv("OPENAI_API_VERSION", PREVIEW)
            with pytest.raises(ConnectionLostError, match="Access denied The URL has Azure's preview form"):
                await model.connect(config)

    asyncio.run(main())


@asynccontextmanager
async def our_server(engines: Engines) -> AsyncIterator[str]:
    """This project's own server, which answers at both of Azure's paths and asks for a key."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = ServerConfig(port=0, api_keys=("k",))
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve_realtime(config, engines=engines, on_ready=ready.set_result))
        try:
            yield (await ready).split("/v1")[0]
        finally:
            server.cancel()


@pytest.mark.parametrize("key", ["k", lambda: "k"])
@pytest.mark.parametrize("query", ["", f"/openai?api-version={PREVIEW}"])
def test_a_conversation_at_azures_addresses(key: Any, query: str) -> None:
    async def main() -> None:
        async with our_server(scripted_engines(answers=[["Hello."]], word_ms=20)) as url:
            model = WebSocketRealtimeModel(url + query, provider="azure", api_key=key)
            config = {"model_settings": {"model_name": "dep"}}
            runner = RealtimeRunner(RealtimeAgent[Any]("Ada"), model=model, config=config)
            async with asyncio.timeout(10), await runner.run() as session:
                events = session.events("agent_end", "error")
                await session.send_message("Hello")
                assert (await anext(aiter(events))).type == "agent_end"

    asyncio.run(main())
