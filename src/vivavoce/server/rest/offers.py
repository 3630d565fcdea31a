"""How a WebRTC call is asked for: SDP as the body of a request, or a form with settings beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.datastructures import UploadFile

from vivavoce.conversation.refusal import refuse
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.rest.desk import BODY_TIMEOUT_S, body_of, form_of, json_object

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

__all__ = ["MAX_FORM_BYTES", "MAX_SDP_BYTES", "Offer", "offer_of"]

MAX_SDP_BYTES = 64 * 1024
"""Longest offer; those of browsers have some thousand bytes."""

MAX_FORM_BYTES = 1024 * 1024
"""Longest form, with the settings of a session."""

_MAX_FIELDS = 8


@dataclass(frozen=True, slots=True)
class Offer:
    """What a caller sends.

    Attributes:
        sdp: the offer.
        session: what the session is to begin with, as JSON has it; `None` where nothing is said.
    """

    sdp: str
    session: dict[str, Any] | None = None


async def offer_of(request: Request) -> Offer:
    """Read what asks for a call: `application/sdp`, or `multipart/form-data` with `sdp` and `session`.

    Raises:
        RefusedError: it is neither, too long, or comes too slowly.
        RemoteProtocolError: a part is missing, unknown, or has too many fields.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/sdp":
        return Offer(_text(await body_of(request, MAX_SDP_BYTES)))
    if kind == "multipart/form-data":
        form = await form_of(
            request,
            MAX_FORM_BYTES,
            BODY_TIMEOUT_S,
            max_fields=_MAX_FIELDS,
            max_field_bytes=MAX_FORM_BYTES,
        )
        try:
            return await _offer_in(form)
        finally:
            await form.close()
    message = (
        f"Content-Type {kind[:64]!r} is not supported. Send the offer as application/sdp, or as "
        "multipart/form-data with the parts 'sdp' and 'session'."
    )
    raise RefusedError(Refusal(415, message, code="unsupported_content_type", param="Content-Type"))


async def _offer_in(form: FormData) -> Offer:
    for name in form:
        if name not in {"sdp", "session"}:
            raise refuse(f"Unknown parameter: '{name[:64]}'.", name[:64], "unknown_parameter")
    sdp = await _part(form, "sdp")
    if sdp is None:
        raise refuse("Missing required parameter: 'sdp'.", "sdp", "missing_required_parameter")
    if len(sdp) > MAX_SDP_BYTES:
        message = f"The offer is longer than {MAX_SDP_BYTES} bytes."
        raise RefusedError(Refusal(413, message, code="request_too_large", param="sdp"))
    session = await _part(form, "session")
    return Offer(_text(sdp), None if session is None else json_object(session, "'session'", "session"))


async def _part(form: FormData, name: str) -> bytes | None:
    """Return a part of a form, which clients send with the name of a file or without."""
    value = form.get(name)
    if isinstance(value, UploadFile):
        return await value.read()
    return None if value is None else value.encode(errors="replace")


def _text(sdp: bytes) -> str:
    try:
        return sdp.decode()
    except UnicodeDecodeError as error:
        message = "The offer is no SDP: it is not UTF-8 text."
        raise RefusedError(Refusal(400, message, code="invalid_offer", param="sdp")) from error
