"""The errors with which the conversation answers a client."""

from __future__ import annotations

from vivavoce.errors import RemoteProtocolError


def refuse(message: str, param: str | None, code: str = "invalid_value") -> RemoteProtocolError:
    """Return the error for a setting that cannot be accepted."""
    return RemoteProtocolError(message, code=code, param=param)


def voice_is_locked() -> RemoteProtocolError:
    """Return the error for a change of voice after the assistant has spoken."""
    return refuse(
        "Cannot update a conversation's voice if assistant audio is present.", None, "cannot_update_voice"
    )
