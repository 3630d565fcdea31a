"""What a web application needs to let its users talk to an agent from their browser.

    calls = BrowserCalls(RealtimeRunner(agent), authorize=signed_in_user)
    app = FastAPI(lifespan=calls.lifespan)
    app.routes.extend(calls.routes("/voice/calls"))

What lives here: routes for Starlette and FastAPI: client secrets for users, and calls from browsers.
What may not: the Realtime API server; what a session does.
Who may import it: programs.
"""

from importlib.util import find_spec

from vivavoce.errors import MissingExtraError

if any(find_spec(package) is None for package in ("starlette", "python_multipart")):
    raise MissingExtraError("server", "taking calls from browsers")

from vivavoce.web.calls import BrowserCalls
from vivavoce.web.client_secrets import client_secret_routes
from vivavoce.web.options import CallOptions
from vivavoce.web.visitors import everybody
from vivavoce.webrtc.config import IceServer, RtcConfig

__all__ = ["BrowserCalls", "CallOptions", "IceServer", "RtcConfig", "client_secret_routes", "everybody"]
