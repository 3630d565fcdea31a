"""How browsers send an SDP offer: as the body, or as a form with the part ``sdp``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.rest.desk import body_of

if TYPE_CHECKING:
    from starlette.types import Message

MAX_BODY_BYTES = 256 * 1024
"""An offer has a few KiB; the form has settings beside it."""
_MAX_PARTS = 8


async def offer_of(request: Request) -> str:
    """Read the SDP offer of a request: ``application/sdp``, or a form as the Realtime API takes it.

    Of the form, `session` is passed over: what the agent is, this program decides.

    Raises:
        RefusedError: there is none, or the body is too long.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await body_of(request, MAX_BODY_BYTES)
    if kind == "application/sdp":
        return _text(body)
    if kind in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        return await _sdp_part(request, body)
    raise _refuse(
        415, f"Content-Type {kind!r} is not supported: send `application/sdp`, or a form with `sdp`."
    )


async def _sdp_part(request: Request, body: bytes) -> str:
    async def replay() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    whole = Request(request.scope, replay)
    try:
        form = await whole.form(max_files=_MAX_PARTS, max_fields=_MAX_PARTS, max_part_size=MAX_BODY_BYTES)
    except (HTTPException, MultiPartException) as error:
        detail = error.detail if isinstance(error, HTTPException) else error.message
        raise _refuse(400, f"The form cannot be read: {detail}") from error
    try:
        part = form.get("sdp")
        if part is None:
            raise _refuse(400, "The form has no part `sdp`.")
        return part if isinstance(part, str) else _text(await part.read())
    finally:
        await form.close()


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if not text.strip():
        raise _refuse(400, "The SDP offer is empty, or is no text.")
    return text


def _refuse(status: int, message: str) -> RefusedError:
    return RefusedError(Refusal(status, message, code="invalid_offer", param="sdp"))
