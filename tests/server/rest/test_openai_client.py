"""The unmodified official client, and the plain HTTP routes on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from openai import APIStatusError, AsyncOpenAI

from vivavoce.audio.wav import encode_wav
from vivavoce.server import ServerConfig

pytestmark = pytest.mark.clients

TWO_SECONDS = encode_wav(bytes(2 * 2 * 16000), 16000)


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_it_hears_speech(serving: Callable[..., AbstractAsyncContextManager[str]], form: Any) -> None:
    if form not in {"wav", "pcm"}:
        pytest.importorskip("av")

    async def scenario() -> None:
        async with serving(ServerConfig(api_keys=("sk-1",))) as url:
            base = url.replace("ws://", "http://").replace("/realtime", "")
            async with AsyncOpenAI(api_key="sk-1", base_url=base, max_retries=0) as client:
                create = client.audio.speech.with_streaming_response.create
                async with create(model="tts-1", voice="alloy", input="Hi.", response_format=form) as answer:
                    data = b"".join([piece async for piece in answer.iter_bytes()])
                assert len(data) > 1000

    asyncio.run(scenario())


def test_it_reads_transcriptions(
    serving: Callable[..., AbstractAsyncContextManager[str]],
) -> None:
    async def scenario() -> None:
        async with serving(ServerConfig(api_keys=("sk-1",))) as url:
            base = url.replace("ws://", "http://").replace("/realtime", "")
            async with AsyncOpenAI(api_key="sk-1", base_url=base, max_retries=0) as client:
                create = client.audio.transcriptions.create
                file = ("a.wav", TWO_SECONDS)
                assert (await create(model="whisper-1", file=file)).text == "2.0 seconds of audio"
                assert (await create(model="m", file=file, response_format="text")).strip() == (
                    "2.0 seconds of audio"
                )
                stream = await create(model="m", file=file, stream=True)
                assert [event.type async for event in stream] == [
                    "transcript.text.delta",
                    "transcript.text.done",
                ]

    asyncio.run(scenario())


def test_it_makes_client_secrets_and_connects_with_them(
    serving: Callable[..., AbstractAsyncContextManager[str]],
) -> None:
    async def scenario() -> None:
        async with serving(ServerConfig(api_keys=("sk-1",))) as url:
            base = url.replace("ws://", "http://").replace("/realtime", "")
            async with AsyncOpenAI(api_key="sk-1", base_url=base, max_retries=0) as client:
                secret = await client.realtime.client_secrets.create(
                    expires_after={"anchor": "created_at", "seconds": 60},
                    session={"type": "realtime", "model": "gpt-realtime", "instructions": "Be brief."},
                )
                legacy = await client.beta.realtime.sessions.create(instructions="Be kind.", voice="alloy")
            assert secret.session.type == "realtime"
            for value, instructions in (
                (secret.value, "Be brief."),
                (legacy.client_secret.value, "Be kind."),
            ):
                async with AsyncOpenAI(api_key=value, base_url=base, max_retries=0) as browser:
                    async with browser.realtime.connect(model="another") as connection:
                        created: Any = await connection.recv()
                        assert created.session.instructions == instructions
                    with pytest.raises(APIStatusError) as caught:
                        await browser.models.list()
                    assert (caught.value.status_code, caught.value.code) == (403, "client_secret_not_allowed")

    asyncio.run(scenario())
