"""The Realtime API over HTTP: sockets, keys, limits, and the process that serves them.

What lives here: everything between a peer's bytes and a `LocalSession`.
What may not: the conversation (that is `conversation`), anything about terminals, any engine's
implementation: the process builds its engines through the registry.
Who may import it: `cli` and programs that serve the API themselves.
"""

from importlib.util import find_spec

from vivavoce.errors import MissingExtraError

if any(
    find_spec(package) is None
    for package in ("starlette", "uvicorn", "h11", "cryptography", "python_multipart")
):
    raise MissingExtraError("server", "the Realtime API server")

from vivavoce.server.app import RealtimeApp, create_app
from vivavoce.server.config import ServerConfig
from vivavoce.server.limits import Limits
from vivavoce.server.listener import run, serve

__all__ = ["Limits", "RealtimeApp", "ServerConfig", "create_app", "run", "serve"]
