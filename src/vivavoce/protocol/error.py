"""The error that an `error` event carries."""

from vivavoce.protocol.base import Wire

__all__ = ["ErrorDetail"]


class ErrorDetail(Wire, frozen=True, kw_only=True):
    """What went wrong; the session goes on.

    Attributes:
        type: the kind, for example ``"invalid_request_error"`` or ``"server_error"``.
        message: the cause, for the client's developer.
        code: machine-readable cause, for example ``"invalid_value"``.
        param: path of the offending field, for example ``"session.audio.output.speed"``.
        event_id: the client's id of the event that caused it.
    """

    type: str
    message: str
    code: str | None = None
    param: str | None = None
    event_id: str | None = None
