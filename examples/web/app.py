"""A page on which people talk to an agent of this program, on their own machine: no key, no download.

pip install 'vivavoce[local,server,webrtc]'
python examples/web/app.py            # and open the address that it prints
"""

import os
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from vivavoce import RealtimeAgent, RealtimeRunner, RealtimeSession, function_tool
from vivavoce.web import BrowserCalls, everybody


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather for a city."""
    return f"It is sunny in {city}."


agent = RealtimeAgent(name="Front desk", instructions="Greet people and help.", tools=[get_weather])
runner = RealtimeRunner(
    agent,
    model="local",  # "openai", "wss://…", or nothing: then a key in the environment decides
    config={"model_settings": {"input_audio_transcription": {"model": "gpt-4o-mini-transcribe"}}},
)


async def attend(session: RealtimeSession, user: str) -> None:
    """Say hello, and note what is done while the call lasts."""
    await session.say("Hello! Ask me about the weather.")
    async for event in session:
        if event.type == "tool_end":
            print(f"{user} was told: {event.output}")


calls = BrowserCalls(runner, authorize=everybody, on_session=attend)


async def page(_request: Request) -> FileResponse:
    """Serve the page."""
    return FileResponse(Path(__file__).with_name("index.html"))


app = Starlette(
    routes=[Route("/", page), *calls.routes("/voice/calls")],
    lifespan=calls.lifespan,
    # As long as everybody may call, nobody shall come by another name than this machine's.
    middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8001")))
