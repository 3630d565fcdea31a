"""`/`: the playground, a page to talk to the server, and `/playground/knock`, which tells it who it is."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vivavoce import __version__
from vivavoce.engines.base import Engines
from vivavoce.server.envelope import Refusal
from vivavoce.server.webrtc import webrtc_installed

if TYPE_CHECKING:
    from starlette.requests import Request

    from vivavoce.server.auth import Caller
    from vivavoce.server.rest.desk import Desk

__all__ = ["PlaygroundRoutes"]

FOLDER = Path(__file__).parents[1] / "playground"
"""Where the files of the page are: what a browser gets, as it stands there."""

PAGE = "index.html"

_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")
_FREE_MODELS = {"builtin", "bench"}


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the page.

    Attributes:
        body: its bytes.
        content_type: as HTTP says it.
        tag: changes whenever the body does.
    """

    body: bytes
    content_type: str
    tag: str


class PlaygroundRoutes:
    """Serves the playground: static files that need nothing from anywhere else, and one question.

    The page asks before it connects, because a browser does not tell a page why a WebSocket was refused.
    Its files are the same for everybody and hold no secret; what they connect to asks for its key.

    Args:
        desk: what the routes share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._files = _files() if desk.config.playground else {}

    @property
    def routes(self) -> list[Route]:
        """The routes of this part; none where there is to be no playground."""
        if not self._desk.config.playground:
            return []
        return [
            Route("/", self._page),
            Route("/playground/knock", self._knock, methods=["POST"]),
            Route("/playground/{name:path}", self._asset),
        ]

    async def _page(self, request: Request) -> Response:
        return self._answer(request, PAGE)

    async def _asset(self, request: Request) -> Response:
        return self._answer(request, request.path_params["name"])

    def _answer(self, request: Request, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        headers = {
            "etag": file.tag,
            "cache-control": "no-cache",  # asked again each time, sent again only when it has changed
            "content-security-policy": _content_policy(request.headers.get("host", "")),
            "permissions-policy": "microphone=(self), camera=(), geolocation=()",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
        }
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.body, headers={**headers, "content-type": file.content_type})

    async def _knock(self, request: Request) -> Response:
        """Say whether this caller would get a session now, and what it may choose from.

        Always 200: that somebody has no key yet is no error of the page, and a browser would log it as one.
        """
        guard = self._desk.guard
        admitted = guard.admit(request.scope)
        refusal = admitted if isinstance(admitted, Refusal) else self._no_room(admitted)
        told: dict[str, Any] = {
            "version": __version__,
            "asks_for_key": not guard.open,
            "admitted": refusal is None,
            "error": None if refusal is None else _shown(refusal),
        }
        if not isinstance(admitted, Refusal):
            told |= self._offer()
        return JSONResponse(told, headers={"cache-control": "no-store"})

    def _no_room(self, caller: Caller) -> Refusal | None:
        """Return why there is no session for this caller now, or `None` where there is one."""
        admission = self._desk.admission
        if not admission.admit(caller.name):
            return admission.refusal(caller.name)
        admission.leave(caller.name)
        shortage = self._desk.usage.shortage(caller.name, asyncio.get_running_loop().time())
        return shortage.refusal() if shortage is not None else None

    def _offer(self) -> dict[str, Any]:
        """Return what a session may be asked for: only to those who may have one."""
        engines, options = self._desk.engines, self._desk.config.session
        synthesizer = engines.synthesizer if isinstance(engines, Engines) else None
        model = engines.names.get("llm") if isinstance(engines, Engines) else None
        return {
            "model": options.model,
            "voice": options.voice,
            "voices": list(synthesizer.voice_names) if synthesizer is not None else [],
            "instructions": options.instructions,
            "engines": {part: str(name) for part, name in engines.names.items()},
            "free": model in _FREE_MODELS,
            "webrtc": self._desk.config.webrtc is not None and webrtc_installed(),
            "webrtc_off": self._desk.config.webrtc is None,
        }


def _shown(refusal: Refusal) -> dict[str, Any]:
    return {"status": refusal.status, "code": refusal.code, "message": refusal.message}


def _content_policy(host: str) -> str:
    """Return what the page may load and whom it may ask: this server, and nobody else.

    Args:
        host: what the browser calls this server. Not every browser takes `'self'` for a WebSocket to it.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        f"default-src 'self'; connect-src 'self'{sockets}; img-src 'self' data: blob:; "
        "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def _files() -> dict[str, _File]:
    """Read the files of the page once: they are few and small, and no request waits for a disk."""
    files = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.suffix in _CONTENT_TYPES:
            body = path.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            files[path.relative_to(FOLDER).as_posix()] = _File(body, _CONTENT_TYPES[path.suffix], tag)
    return files
