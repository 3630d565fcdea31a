"""What the routes share: who may come in, what is read of a request, how a refusal is answered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vivavoce.errors import AudioFormatError, EngineError, RemoteProtocolError
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.limits import check_fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.datastructures import FormData
    from starlette.types import ExceptionHandler, Message

    from vivavoce.engines.base import Engines
    from vivavoce.engines.speech_model import SpeechModel
    from vivavoce.server.auth import Caller, Guard
    from vivavoce.server.calls import Calls
    from vivavoce.server.config import ServerConfig
    from vivavoce.server.limits import Admission
    from vivavoce.server.secrets import ClientSecrets
    from vivavoce.server.usage import KeyUsage

__all__ = [
    "DETAIL",
    "EXCEPTION_HANDLERS",
    "KEY_NAME",
    "PREFIXES",
    "REQUEST_ID",
    "Desk",
    "answer_of",
    "api_routes",
    "body_of",
    "form_of",
    "json_object",
    "json_of",
    "respond",
]

PREFIXES = ("/v1", "/openai/v1", "/openai")
"""Where the API begins: its own way, and the two of Azure."""

KEY_NAME = "vivavoce.key"
"""Where the scope of a request says, for the log, which key it came with."""

REQUEST_ID = "vivavoce.request_id"
"""Where the scope of a request says which id its answer has."""

DETAIL = "vivavoce.detail"
"""Where the scope of a request says, for the log, why an engine failed at it."""

MAX_JSON_BYTES = 1024 * 1024
BODY_TIMEOUT_S = 30.0
"""How long the body of a request may take to come in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every route needs of the server.

    Attributes:
        config: the server's settings.
        engines: who hears, thinks and speaks.
        guard: who may come in.
        secrets: who makes client secrets.
        admission: how many may be inside; a request that uses engines counts like a session.
        usage: what each key has used.
        calls: the sessions that run.
        count_refusal: takes note of a connection that was not let in.
    """

    config: ServerConfig
    engines: Engines | SpeechModel
    guard: Guard
    secrets: ClientSecrets
    admission: Admission
    usage: KeyUsage
    calls: Calls
    count_refusal: Callable[[str | None], None]

    def caller(self, request: Request) -> Caller:
        """Return who a request comes from.

        Raises:
            RefusedError: it may not come in, or brings a client secret, which is for Realtime only.
        """
        admitted = self.guard.admit(request.scope, secrets=False)
        if isinstance(admitted, Refusal):
            raise RefusedError(admitted)
        request.scope[KEY_NAME] = admitted.name
        return admitted


def api_routes(path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str) -> Iterable[Route]:
    """Return the routes of one path of the API, below each of `PREFIXES`."""
    return [Route(prefix + path, endpoint, methods=[method]) for prefix in PREFIXES]


async def body_of(request: Request, max_bytes: int) -> bytes:
    """Read the body of a request.

    Raises:
        RefusedError: it is longer than this, or takes too long.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise RefusedError(_too_large(max_bytes))
    except TimeoutError as error:
        message = f"The body of the request did not arrive within {BODY_TIMEOUT_S:g} seconds."
        raise RefusedError(Refusal(408, message, code="request_timeout")) from error
    return bytes(body)


async def json_of(request: Request) -> dict[str, Any]:
    """Read the body of a request as a JSON object; no body at all is an empty one.

    Raises:
        RefusedError: it is none, too long, or takes too long.
        RemoteProtocolError: it has too many fields.
    """
    body = await body_of(request, MAX_JSON_BYTES)
    return json_object(body) if body.strip() else {}


def json_object(
    text: str | bytes, name: str = "The body of the request", param: str | None = None
) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        text: as it came.
        name: how to speak of it.
        param: the parameter that it is, or `None`.

    Raises:
        RefusedError: it is none.
        RemoteProtocolError: it has too many fields.
    """
    check_fields(text)
    try:
        value = json.loads(text)
        # Half a surrogate pair is JSON, but no text that could be sent back.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        refusal = Refusal(400, f"{name} is not valid JSON.", code="invalid_json", param=param)
        raise RefusedError(refusal) from error
    if not isinstance(value, dict):
        raise RefusedError(Refusal(400, f"{name} must be a JSON object.", code="invalid_type", param=param))
    return value


async def form_of(
    request: Request, max_bytes: int, timeout_s: float, *, max_fields: int, max_field_bytes: int
) -> FormData:
    """Read the parts of a body that is `multipart/form-data`, of which one may be a file.

    Args:
        request: whose body it is.
        max_bytes: how long the body may be.
        timeout_s: how long it may take to come in, in seconds.
        max_fields: how many parts that are no files it may have.
        max_field_bytes: how long each of those may be.

    Raises:
        RefusedError: they are too long, come too slowly, or are none.
    """
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > max_bytes:
            raise RefusedError(
                Refusal(413, f"The upload is longer than {max_bytes} bytes.", code="request_too_large")
            )
        return message

    try:
        async with asyncio.timeout(timeout_s):
            counted = Request(request.scope, receive)
            return await counted.form(max_files=1, max_fields=max_fields, max_part_size=max_field_bytes)
    except TimeoutError as error:
        message = f"The upload did not arrive within {timeout_s:g} seconds."
        raise RefusedError(Refusal(408, message, code="request_timeout")) from error
    except HTTPException as error:
        raise RefusedError(Refusal(400, error.detail, code="invalid_multipart")) from error


def respond(refusal: Refusal) -> Response:
    """Return the HTTP answer of a refusal."""
    return Response(refusal.body(), refusal.status, headers=refusal.headers, media_type="application/json")


def answer_of(error: RefusedError | RemoteProtocolError) -> Response:
    """Return the HTTP answer of what is wrong with a request."""
    if isinstance(error, RefusedError):
        return respond(error.refusal)
    return respond(Refusal(400, error.message, code=error.code, param=error.param))


def _too_large(max_bytes: int) -> Refusal:
    message = f"The body of the request is longer than {max_bytes} bytes."
    return Refusal(413, message, code="request_too_large")


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError | RemoteProtocolError)
    return answer_of(error)


async def _audio_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AudioFormatError)
    return respond(Refusal(400, str(error), code="invalid_audio", param="file"))


async def _engine_error(request: Request, error: Exception) -> Response:
    request.scope[DETAIL] = str(error)
    message = "The server's engine failed at this request."
    return respond(Refusal(500, message, code="engine_error", type="server_error"))


EXCEPTION_HANDLERS: dict[type[Exception], ExceptionHandler] = {
    RefusedError: _refused,
    RemoteProtocolError: _refused,
    AudioFormatError: _audio_error,
    EngineError: _engine_error,
}
"""How the routes' exceptions are answered."""
