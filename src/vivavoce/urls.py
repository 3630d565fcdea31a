"""What of a URL may be shown."""

from __future__ import annotations


def shown_url(url: str) -> str:
    """Return a URL, or what should be one, without what may be secret in it.

    Left out are name, password, query and fragment.
    """
    scheme, slashes, rest = url.partition("//")
    if not slashes:
        scheme, rest = "", url
    authority, slash, path = rest.partition("#")[0].partition("?")[0].partition("/")
    return f"{scheme}{slashes}{authority.rpartition('@')[2]}{slash}{path}"
