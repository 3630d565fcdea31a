"""Client secrets (`ek_…`): short-lived tokens for browsers, with the settings of a session inside.

A token holds all there is to know of it, so that every process that has the operator's secret key can check
it. It is encrypted, not only signed: its settings may hold what the page that carries it must not read, like
the authorization of an MCP server.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.protocol import RealtimeSession, Session, replace
from vivavoce.protocol.codec import session_from, to_builtins

__all__ = [
    "DEFAULT_SECRET_S",
    "MAX_SECRET_CHARS",
    "MAX_SECRET_S",
    "MIN_SECRET_S",
    "SECRET_PREFIX",
    "ClientSecret",
    "ClientSecrets",
]

SECRET_PREFIX = "ek_"  # noqa: S105 - how a token begins
MIN_SECRET_S = 10
MAX_SECRET_S = 7200
DEFAULT_SECRET_S = 600

MAX_SECRET_CHARS = 7000
"""Longest token that is made: a header of a handshake may have 8,192 bytes here, and behind most proxies."""

_MIN_KEY_CHARS = 16


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """What a token says.

    Attributes:
        settings: what its sessions begin with.
        expires_at: unix time, in seconds, from when on it begins no session.
        key: name of the API key that it was minted with; `None` where none was asked for.
        key_digest: beginning of that key's digest, so that a key that was replaced takes its secrets along.
    """

    settings: Session
    expires_at: int
    key: str | None = None
    key_digest: str | None = None


class ClientSecrets:
    """Makes and reads client secrets.

    Args:
        secret_keys: the operator's secrets, at least 16 characters each. The first makes tokens, all of them
            read: put a new one in front and take the old one out two hours later. None at all makes one up,
            which no other process knows and which is gone when this one ends.

    Raises:
        ConfigurationError: a secret is too short.
    """

    def __init__(self, secret_keys: Sequence[str] = ()) -> None:
        if any(len(key) < _MIN_KEY_CHARS for key in secret_keys):
            raise ConfigurationError(
                f"a secret key is shorter than {_MIN_KEY_CHARS} characters, so that it could be guessed; "
                "make one with `openssl rand -hex 32`"
            )
        self.shared = bool(secret_keys)
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in secret_keys or (secrets.token_hex(32),)])

    def mint(self, secret: ClientSecret) -> str:
        """Return the token of a client secret.

        Raises:
            RemoteProtocolError: its settings are too long for one.
        """
        # A beta client may have set it, and the strict reader of GA settings would not take it back.
        session = to_builtins(secret.settings)
        content = {
            "temperature": session.pop("temperature", None),
            "session": session,
            "expires_at": secret.expires_at,
            "key": secret.key,
            "key_digest": secret.key_digest,
        }
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        packed = zlib.compress(text.encode(), level=9)
        # Without its padding it may stand in the name of a subprotocol, which is where browsers put it.
        token = SECRET_PREFIX + self._fernet.encrypt(packed).decode().rstrip("=")
        if len(token) > MAX_SECRET_CHARS:
            raise RemoteProtocolError(
                f"These settings make a client secret of {len(token)} characters; {MAX_SECRET_CHARS} fit "
                "into the headers of a handshake. Leave long instructions and tools to a session.update.",
                code="invalid_value",
                param="session",
            )
        return token

    def read(self, token: str) -> ClientSecret | None:
        """Return what a token says, also when it has expired; `None` for what was not made with our keys."""
        if not token.startswith(SECRET_PREFIX) or len(token) > MAX_SECRET_CHARS:
            return None
        text = token.removeprefix(SECRET_PREFIX)
        try:
            packed = self._fernet.decrypt(text + "=" * (-len(text) % 4))
            content = json.loads(zlib.decompress(packed))
            settings = session_from(content["session"])
            if isinstance(settings, RealtimeSession) and content["temperature"] is not None:
                settings = replace(settings, temperature=float(content["temperature"]))
            return ClientSecret(
                settings,
                int(content["expires_at"]),
                content["key"],
                content["key_digest"],
            )
        except (InvalidToken, UnicodeError):
            return None
        except (RemoteProtocolError, KeyError, ValueError, TypeError, zlib.error):
            # Ours, but from a process of another version.
            return None


def _derived(secret_key: str) -> bytes:
    digest = hashlib.sha256(b"vivavoce client secret\0" + secret_key.encode("utf-8", "surrogateescape"))
    return base64.urlsafe_b64encode(digest.digest())
