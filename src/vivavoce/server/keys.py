"""API keys by name: only their SHA-256 digests are kept, and every comparison takes the same time."""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from vivavoce.errors import ConfigurationError

__all__ = ["ApiKey", "ApiKeys", "KeyLimits", "digest_of", "parse_keys"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_HASH = re.compile(r"sha256:([0-9a-fA-F]{64})")


def parse_keys(text: str) -> tuple[str, ...]:
    """Split comma-separated API keys; blanks around them and empty ones are dropped."""
    return tuple(key for part in text.split(",") if (key := part.strip()))


def digest_of(key: str) -> bytes:
    """Return the SHA-256 digest of a key, which is all that a server has to know of it."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """What one API key may use. `None` leaves it to the limit for all keys in `Limits`.

    Attributes:
        max_sessions: sessions at once.
        max_minutes_per_day: minutes of session, those of parallel sessions together, in the 24 hours from the
            first one.
        max_audio_s_per_minute: seconds of audio a minute that it may send in, all sessions and requests
            together, and have spoken by `/v1/audio/speech`.
    """

    max_sessions: int | None = None
    max_minutes_per_day: float | None = None
    max_audio_s_per_minute: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ConfigurationError: one is not positive.
        """
        for name in ("max_sessions", "max_minutes_per_day", "max_audio_s_per_minute"):
            bound = getattr(self, name)
            if bound is not None and not 0 < bound < math.inf:
                raise ConfigurationError(f"{name} is {bound}; it must be above 0")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key as the server knows it.

    Attributes:
        name: what logs, metrics and limits call it.
        digest: SHA-256 of the key itself.
        limits: what it may use.
    """

    name: str
    digest: bytes = field(repr=False)
    limits: KeyLimits = field(default_factory=KeyLimits)

    @property
    def fingerprint(self) -> str:
        """The beginning of its digest: tells two keys apart, and says nothing of either."""
        return self.digest.hex()[:16]

    @classmethod
    def from_text(cls, text: str) -> ApiKey:
        """Return a key from `KEY` or `NAME=KEY`; one without a name is called after its digest.

        A name after the digest stays the same in every process of a fleet, in whatever order keys are given.
        """
        name, _, rest = text.partition("=")
        # Base64 ends with "=": what has nothing else behind it is a key without a name.
        if rest.strip("=") and _NAME.fullmatch(name) and not name.startswith("sk-"):
            return cls(name, digest_of(rest))
        digest = digest_of(text)
        return cls(f"key-{digest.hex()[:8]}", digest)

    @classmethod
    def from_hash(cls, name: str, text: str, limits: KeyLimits | None = None) -> ApiKey:
        """Return a key from its name and `sha256:<64 hexadecimal digits>`.

        Raises:
            ConfigurationError: the name or the hash is no such thing.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} is no name of a key: use up to 64 letters, digits, '.', '_' and '-'"
            )
        match = _HASH.fullmatch(text.strip())
        if match is None:
            raise ConfigurationError(
                f"the hash of key {name!r} is not 'sha256:' and 64 hexadecimal digits; `vivavoce keys hash "
                "NAME` prints that of a key on stdin, `vivavoce keys new NAME` makes a new key and prints its"
            )
        return cls(name, bytes.fromhex(match[1]), limits or KeyLimits())


class ApiKeys:
    """The keys that are accepted. Never changes; whoever reloads keys makes another.

    Args:
        keys: the keys; none means that nobody is asked for one.

    Raises:
        ConfigurationError: two keys have one name, or one key has two.
    """

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._keys = tuple(keys)
        for what, values in (
            ("two API keys have the name", [key.name for key in self._keys]),
            ("one API key is there under two names, one of them", [key.digest for key in self._keys]),
        ):
            for index, value in enumerate(values):
                if value in values[:index]:
                    raise ConfigurationError(f"{what} {self._keys[index].name!r}; drop one of them")

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> ApiKeys:
        """Return keys from `KEY` and `NAME=KEY`; what is given twice counts once.

        Raises:
            ConfigurationError: two different keys have one name.
        """
        return cls(dict.fromkeys(ApiKey.from_text(text) for text in texts))

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._keys)

    @property
    def limits(self) -> Mapping[str, KeyLimits]:
        """The limits of every key, by name."""
        return MappingProxyType({key.name: key.limits for key in self._keys})

    def named(self, name: str) -> ApiKey | None:
        """Return the key of this name."""
        return next((key for key in self._keys if key.name == name), None)

    def find(self, offered: Iterable[str]) -> ApiKey | None:
        """Return the first of the keys that is among those offered."""
        digests = [digest_of(key) for key in offered]
        # A list, not a generator: every key is compared, so that time says nothing about which one matched.
        matches = [any(hmac.compare_digest(one, key.digest) for one in digests) for key in self._keys]
        return self._keys[matches.index(True)] if any(matches) else None
