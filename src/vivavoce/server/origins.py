"""Which web pages may speak to the server: the `Origin` that a browser says they come from."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from vivavoce.errors import ConfigurationError

__all__ = ["ANY_ORIGIN", "Origins"]

ANY_ORIGIN = "*"
"""Allows every web page."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origins:
    """The origins that an operator allows.

    Args:
        allowed: origins like `https://app.example.com` or `http://10.0.0.5:3000`, or `*` for all of them.

    Raises:
        ConfigurationError: one is no origin, or they are one text.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        if isinstance(allowed, str):
            raise ConfigurationError(f"origins is the text {allowed!r}; give a tuple: ({allowed!r},)")
        self.listed = tuple(allowed)
        self.all = ANY_ORIGIN in self.listed
        self._allowed = {_normal(origin) for origin in self.listed if origin != ANY_ORIGIN}
        if None in self._allowed:
            wrong = next(origin for origin in self.listed if origin != ANY_ORIGIN and not _normal(origin))
            raise ConfigurationError(
                f"{wrong!r} is no origin of web pages; one looks like https://app.example.com (no path)"
            )

    def __bool__(self) -> bool:
        return bool(self.listed)

    def allows(self, origin: str) -> bool:
        """Return whether pages of this origin are among those allowed."""
        return self.all or _normal(origin) in self._allowed - {None}


def _normal(origin: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an origin; `None` for what is none, which `null` is not either."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.path or parts.query or parts.fragment or parts.username is not None or not parts.hostname:
        return None
    if parts.scheme not in _DEFAULT_PORTS:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme]
