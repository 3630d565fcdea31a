"""Frames that nobody thought of, over a real socket: none drops the connection."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clients.javascript import serving
from tests.server.test_fuzz import DAMAGED, USUAL, engines_for
from websockets.asyncio.client import connect


@settings(USUAL, max_examples=20)
@given(st.lists(st.one_of(DAMAGED.map(json.dumps), st.text(max_size=20), st.binary(max_size=9)), max_size=20))
def test_no_frame_drops_a_connection(frames: list[str | bytes]) -> None:
    async def scenario() -> None:
        engines = engines_for([["Hi."]], [""])
        async with serving(engines) as http:
            url = http.replace("http://", "ws://") + "/v1/realtime"
            async with connect(url) as socket, asyncio.timeout(20):
                for frame in frames:
                    await socket.send(frame)
                # Whatever that was: who asks for something then gets it.
                await socket.send('{"type": "input_audio_buffer.clear"}')
                while json.loads(await socket.recv())["type"] != "input_audio_buffer.cleared":
                    pass

    asyncio.run(scenario())
