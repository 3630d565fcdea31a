"""Two ways from a page to an agent, for the members of a shop: a FastAPI application.

Calls to the agent in this program; and keys with which a page talks to a Realtime server itself.

pip install 'vivavoce[local,server,webrtc]' fastapi
python examples/web/members.py
"""

import os
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI, Request

from vivavoce import RealtimeAgent, RealtimeRunner, RunContextWrapper, function_tool
from vivavoce.web import BrowserCalls, CallOptions, RtcConfig, client_secret_routes

SIGNED_IN = {"cookie-of-ada": "ada"}  # your own sign-in has this
ORDERS = {"ada": "a blue chair"}


@dataclass
class Basket:
    """What the tools of one call know about who is calling."""

    member: str


@function_tool
def my_order(context: RunContextWrapper[Basket]) -> str:
    """Say what the customer has ordered."""
    return f"You have ordered {ORDERS[context.context.member]}."


def member(request: Request) -> str | None:
    """Return who asks, or None for somebody who has not signed in."""
    return SIGNED_IN.get(request.cookies.get("session", ""))


agent = RealtimeAgent[Basket](name="Shop", instructions="Help with orders.", tools=[my_order])
calls = BrowserCalls(
    RealtimeRunner(agent, model="local"),
    authorize=member,
    context=Basket,
    options=CallOptions(
        max_calls=50,
        max_calls_per_user=1,
        max_s=600,
        rtc=RtcConfig(udp_ports=(40_000, 40_499), advertised_address=os.environ.get("PUBLIC_ADDRESS")),
    ),
)


def session_of(name: str) -> dict[str, object]:
    """Return what a member's key is for."""
    return {"type": "realtime", "model": "gpt-realtime", "instructions": f"Greet {name}, and be brief."}


app = FastAPI(lifespan=calls.lifespan)
app.routes.extend(calls.routes("/voice/calls"))
app.routes.extend(
    client_secret_routes("/voice/client_secret", session_of, authorize=member, expires_after_s=60)
)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=8002)
