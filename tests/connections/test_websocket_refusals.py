"""What an application is told of a server that it does not get to, and of texts that no frame can hold."""

from __future__ import annotations

import asyncio
import errno
import json
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from vivavoce.connections.websocket import WebSocketRealtimeModel
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.protocol import ConversationItemCreate, InputText, MessageItem


def url_of(server: Any) -> str:
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def test_a_wrong_key_is_told_in_the_servers_words_with_its_place() -> None:
    def refuse(connection: ServerConnection, _request: Any) -> Any:
        body = json.dumps({"error": {"message": "Incorrect API key.", "code": "invalid_api_key"}}, indent=2)
        return connection.respond(HTTPStatus.UNAUTHORIZED, body)

    async def main() -> None:
        async with serve(lambda _: asyncio.sleep(0), "127.0.0.1", 0, process_request=refuse) as server:
            with pytest.raises(ConnectionLostError) as refused:
                await WebSocketRealtimeModel(url_of(server)).connect({"api_key": "sk-wrong"})
            place = f"{url_of(server)}/v1/realtime"
            assert str(refused.value) == (
                f"The realtime server at {place} refused the connection: HTTP 401 Incorrect API key."
            )

    asyncio.run(main())


def test_a_url_where_nobody_is_is_named_without_its_query() -> None:
    async def main() -> None:
        model = WebSocketRealtimeModel("ws://127.0.0.1:9/realtime?token=secret")
        with pytest.raises(ConnectionLostError, match=r"at ws://127\.0\.0\.1:9/realtime cannot") as refused:
            await model.connect({})
        assert "secret" not in str(refused.value)

    asyncio.run(main())


def test_a_key_with_a_line_break_is_refused_unseen() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="'Authorization' cannot be sent") as refused:
            await WebSocketRealtimeModel("ws://127.0.0.1:9").connect({"api_key": "sk-1\nsk-2"})
        assert "sk-" not in str(refused.value)

    asyncio.run(main())


def test_a_key_function_that_never_answers_is_named() -> None:
    async def key() -> str:
        await asyncio.Event().wait()
        return "sk-late"

    async def main() -> None:
        model = WebSocketRealtimeModel("ws://127.0.0.1:9", options={"handshake_timeout": 0.05})
        with pytest.raises(ConnectionLostError, match=r"The api_key function did not answer within 0\.05 s"):
            await model.connect({"api_key": key})

    asyncio.run(main())


def test_half_an_emoji_does_not_break_the_connection() -> None:
    frames: asyncio.Queue[str | bytes] = asyncio.Queue()

    async def handler(socket: ServerConnection) -> None:
        async for frame in socket:
            frames.put_nowait(frame)

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0) as server:
            model = WebSocketRealtimeModel(url_of(server))
            await model.connect({})
            item = MessageItem(role="user", content=(InputText(text="grün \ud83d, cut"),))
            await model.send_event(ConversationItemCreate(item=item))
            sent = json.loads(await asyncio.wait_for(frames.get(), 5))
            assert sent["item"]["content"] == [{"type": "input_text", "text": "grün ?, cut"}]
            await model.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (ConnectionRefusedError("refused"), True),
        (OSError(f"Multiple exceptions: [Errno {errno.ECONNREFUSED}] ('::1', 9), [Errno 111]"), True),
        (OSError("no route"), False),
    ],
)
def test_nobody_listening_is_told_from_other_trouble(
    monkeypatch: pytest.MonkeyPatch, error: OSError, refused: bool
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise error

    async def main() -> None:
        monkeypatch.setattr("websockets.asyncio.client.connect", fail)
        with pytest.raises(ConnectionLostError) as lost:
            await WebSocketRealtimeModel("ws://localhost:9").connect({})
        assert ("Is the server running?" in str(lost.value)) is refused

    asyncio.run(main())
