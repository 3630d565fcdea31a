"""What a server lets in and how much it holds: pure decisions, no clock and no socket."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.server.envelope import Refusal
from vivavoce.server.keys import KeyLimits

__all__ = [
    "MIN_CORES_PER_SESSION",
    "Admission",
    "ErrorStreak",
    "Limits",
    "ReadingPace",
    "check_fields",
    "default_max_sessions",
]

MIN_CORES_PER_SESSION = 0.005
"""Share of a core that one talking session costs at least: socket, JSON, pacing."""

RETRY_AFTER_S = 5
"""When to ask again for a session while all are taken."""

MAX_FIELDS = 10_000
"""Fields that one JSON text may have. Reading one takes some microseconds, and all others wait meanwhile."""

MAX_VALUES = 100_000
"""Values that one JSON text may have, in lists; commas in its strings count as well."""

_LARGE_CHARS = 32 * 1024
_AUDIO_PER_MESSAGE = 15 * 1024 * 1024
_ENVELOPE_ALLOWANCE = 128 * 1024
_CREDIT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of a server. Nothing in it grows without one of them.

    Attributes:
        max_sessions: sessions at once in this process; `None` computes it with `default_max_sessions`.
        max_sessions_per_key: sessions at once with one API key, where there are keys; `None` sets no bound.
        max_minutes_per_key: minutes of session a day with one API key, see `KeyLimits`; `None` sets no bound.
        max_audio_s_per_key: seconds of audio a minute with one API key, see `KeyLimits`; `None` sets no
            bound.
        max_message_bytes: longest client message, in bytes of JSON text. The default carries 15 MiB of audio
            (20 MiB of base64) and the JSON around it.
        max_messages_per_s: messages a second that one peer is read at. A faster one is not refused, it waits,
            so that a flood costs the others a few percent of a core and no more.
        max_bytes_per_s: bytes of JSON text a second that one peer is read at, beyond what it saved up in the
            second before. A faster one waits as well. The default is a minute of PCM16 in base64.
        max_consecutive_errors: undecodable messages in a row after which the peer is read slowly (about ten
            messages a second) until it sends one that can be read.
        high_water_bytes: unsent bytes at which a session stops producing audio for its slow reader.
        low_water_bytes: unsent bytes at which it goes on.
        max_queued_bytes: unsent bytes beyond which the connection is closed (1008).
        stall_s: seconds a reader may stay above the low-water mark before the connection is closed (1008).
        close_grace_s: seconds a peer has to take what is still queued when its connection closes.
    """

    max_sessions: int | None = None
    max_sessions_per_key: int | None = None
    max_minutes_per_key: float | None = None
    max_audio_s_per_key: float | None = None
    max_message_bytes: int = _AUDIO_PER_MESSAGE * 4 // 3 + _ENVELOPE_ALLOWANCE
    max_messages_per_s: int = 2000
    max_bytes_per_s: int = 4 * 1024 * 1024
    max_consecutive_errors: int = 1000
    high_water_bytes: int = 256 * 1024
    low_water_bytes: int = 64 * 1024
    max_queued_bytes: int = 16 * 1024 * 1024
    stall_s: float = 30.0
    close_grace_s: float = 0.5

    def __post_init__(self) -> None:
        """Check the order of the bounds.

        Raises:
            ConfigurationError: a bound is not positive, or the marks are not low <= high <= max.
        """
        for name in ("max_sessions", "max_sessions_per_key"):
            bound = getattr(self, name)
            if bound is not None and bound < 1:
                raise ConfigurationError(f"{name} is {bound}; it must be at least 1")
        for name in ("max_minutes_per_key", "max_audio_s_per_key"):
            bound = getattr(self, name)
            if bound is not None and not 0 < bound < math.inf:
                raise ConfigurationError(f"{name} is {bound}; it must be above 0")
        if not 0 < self.low_water_bytes <= self.high_water_bytes <= self.max_queued_bytes:
            raise ConfigurationError(
                "the send queue needs 0 < low_water_bytes <= high_water_bytes <= max_queued_bytes, not "
                f"{self.low_water_bytes}, {self.high_water_bytes}, {self.max_queued_bytes}"
            )
        for name in (
            "max_message_bytes",
            "max_messages_per_s",
            "max_bytes_per_s",
            "max_consecutive_errors",
            "stall_s",
            "close_grace_s",
        ):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; it must be positive")

    @property
    def per_key(self) -> KeyLimits:
        """What every API key may use that has no limits of its own."""
        return KeyLimits(
            max_sessions=self.max_sessions_per_key,
            max_minutes_per_day=self.max_minutes_per_key,
            max_audio_s_per_minute=self.max_audio_s_per_key,
        )


def default_max_sessions(engine_cores: float, cpus: int) -> int:
    """Return how many talking sessions a machine carries without slowing any of them.

    A session costs what its engines say, at least `MIN_CORES_PER_SESSION`: engines that cost nothing give 200
    sessions per core, engines of a quarter core 4. Never less than 1.

    Args:
        engine_cores: share of a core that the engines of one talking session use (`Engines.cost.cores`).
        cpus: cores that this process may use.
    """
    return max(1, math.floor(max(1, cpus) / max(MIN_CORES_PER_SESSION, engine_cores) + 1e-9))


def check_fields(text: str | bytes) -> None:
    """Refuse JSON that would take long to read; audio, pictures and words of its size do not.

    Args:
        text: as it came, before it is read.

    Raises:
        RemoteProtocolError: it has too many fields or values.
    """
    if len(text) < _LARGE_CHARS:
        return
    marks = (":", '\\":', '\\\\":', ",")
    if isinstance(text, str):
        colons, quoted, unquoted, commas = map(text.count, marks)
    else:
        colons, quoted, unquoted, commas = (text.count(mark.encode()) for mark in marks)
    # JSON within a string has its quotes escaped and is nothing but text; a name may end in a backslash.
    if colons - quoted + unquoted > MAX_FIELDS or commas > MAX_VALUES:
        raise RemoteProtocolError(
            f"The JSON has more than {MAX_FIELDS} fields or {MAX_VALUES} values; that many are not taken.",
            code="message_too_large",
        )


class Admission:
    """Counts the sessions inside and refuses at the door when the house is full or closing.

    Args:
        max_sessions: how many may be inside at once.
        max_sessions_per_key: how many of them with one key; `None`: all.
        of_key: other bounds for single keys, by name; may be replaced at any time.

    Attributes:
        on_empty: called when the last session has left.
    """

    def __init__(
        self,
        max_sessions: int,
        max_sessions_per_key: int | None = None,
        of_key: Mapping[str, KeyLimits] = MappingProxyType({}),
    ) -> None:
        self._max_sessions = max_sessions
        self._max_sessions_per_key = max_sessions_per_key
        self.of_key = of_key
        self._sessions = 0
        self._sessions_of: Counter[str] = Counter()
        self._draining = False
        self.on_empty: Callable[[], None] = lambda: None

    @property
    def max_sessions(self) -> int:
        """How many sessions may be inside at once."""
        return self._max_sessions

    @property
    def sessions(self) -> int:
        """How many sessions are inside."""
        return self._sessions

    @property
    def draining(self) -> bool:
        """Whether nobody is let in any more."""
        return self._draining

    def drain(self) -> None:
        """Let nobody in from now on; those inside stay."""
        self._draining = True

    @property
    def full(self) -> bool:
        """Whether there is no room for anybody."""
        return self._sessions >= self._max_sessions

    def max_sessions_of(self, name: str) -> int | None:
        """How many sessions may be inside with the key of this name; `None`: all."""
        own = self.of_key.get(name)
        bound = own.max_sessions if own is not None else None
        return self._max_sessions_per_key if bound is None else bound

    def admit(self, name: str | None = None) -> bool:
        """Let one more session in and count it, or return `False`.

        Args:
            name: name of the key that it came with; `None` where there are no keys.
        """
        if self._draining or self.full:
            return False
        if name is not None:
            bound = self.max_sessions_of(name)
            if bound is not None and self._sessions_of[name] >= bound:
                return False
            self._sessions_of[name] += 1
        self._sessions += 1
        return True

    def refusal(self, name: str | None = None) -> Refusal:
        """Return how to say that this key was not let in."""
        retry = {"retry-after": str(RETRY_AFTER_S)}
        if self._draining:
            message = "The server is shutting down. Connect to another one."
            return Refusal(503, message, code="server_shutting_down", type="server_error", headers=retry)
        if name is None or self.full:
            message = (
                f"{_taken(self._max_sessions, 'this server')} Try again later, or start the server with a "
                "larger --max-sessions."
            )
            return Refusal(503, message, code="session_limit_reached", type="server_error", headers=retry)
        message = f"{_taken(self.max_sessions_of(name), 'this API key')} End one first."
        code = "key_session_limit_reached"
        return Refusal(429, message, code=code, type="rate_limit_error", headers=retry)

    def leave(self, name: str | None = None) -> None:
        """Uncount one session that was admitted with this key."""
        self._sessions -= 1
        if name is not None:
            self._sessions_of[name] -= 1
        if not self._sessions:
            self.on_empty()


class ReadingPace:
    """Says how long the reader of one peer must wait, so that the peer costs the others no more than it may.

    A second in which the peer sends nothing is credit for one second's worth at once: what comes in one piece
    now and then is not delayed.

    Args:
        limits: the messages and bytes that may be read in a second.
        now: time in seconds.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._paid_until = now

    def wait_s(self, messages: int, size: int, now: float) -> float:
        """Note what was read and return for how many seconds nothing more should be.

        Args:
            messages: how many were read since the last call.
            size: their bytes, all together.
            now: time in seconds.
        """
        cost = max(messages / self._limits.max_messages_per_s, size / self._limits.max_bytes_per_s)
        self._paid_until = max(self._paid_until, now - _CREDIT_S) + cost
        return max(0.0, self._paid_until - now)


GARBAGE_COST = 200
"""What a message that cannot be read counts for, once there were too many of them: a tenth of a second."""


class ErrorStreak:
    """Counts undecodable messages in a row. A flood of them is slowed down; nobody is cut off for it.

    Args:
        limit: how many in a row are too many.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._length = 0

    @property
    def begins(self) -> bool:
        """Whether the last message was the one with which the limit was reached."""
        return self._length == self._limit

    def good(self) -> None:
        """Note a message that could be read: the streak is over."""
        self._length = 0

    def bad(self) -> int:
        """Note a message that could not be read; return for how many messages it counts."""
        self._length += 1
        return GARBAGE_COST if self._length >= self._limit else 1


def _taken(number: int | None, whose: str) -> str:
    if number == 1:
        return f"The one session of {whose} is taken."
    return f"All {number} sessions of {whose} are taken."
