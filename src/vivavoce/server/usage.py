"""How much each API key has used of what it may: minutes of session and seconds of audio. Has no clock.

Each process counts for itself, and forgets when it ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType

from vivavoce.errors import RemoteProtocolError
from vivavoce.server.envelope import Refusal
from vivavoce.server.keys import KeyLimits

__all__ = ["KeyUsage", "Shortage"]

DAY_S = 24 * 3600.0

_minutes: Callable[[KeyLimits], float | None] = attrgetter("max_minutes_per_day")
_audio: Callable[[KeyLimits], float | None] = attrgetter("max_audio_s_per_minute")


@dataclass(frozen=True, slots=True)
class Shortage:
    """What a key has no more of.

    Attributes:
        code: machine-readable, for an `error` event or an HTTP answer.
        message: what is short, for the developer of the client.
        retry_after_s: seconds until there is more.
    """

    code: str
    message: str
    retry_after_s: float

    def refusal(self) -> Refusal:
        """Return it as an HTTP answer: 429 with `retry-after`."""
        seconds = str(max(1, math.ceil(self.retry_after_s)))
        return Refusal(
            429, self.message, code=self.code, type="rate_limit_error", headers={"retry-after": seconds}
        )

    def error(self, event_id: str | None = None) -> RemoteProtocolError:
        """Return it as what becomes an `error` event of a session.

        Args:
            event_id: the client's id of the event that was too much, or `None`.
        """
        return RemoteProtocolError(self.message, code=self.code, event_id=event_id, kind="rate_limit_error")


class _Account:
    """What one key has used."""

    __slots__ = ("audio_s", "audio_until", "day_ends", "minutes_until", "running", "session_s")

    def __init__(self, now: float) -> None:
        self.running = 0
        self.session_s = 0.0
        self.minutes_until = now
        self.day_ends = now + DAY_S
        self.audio_s = 0.0
        self.audio_until = now


class KeyUsage:
    """Counts for keys by name; requests without one (`None`) are not counted.

    `shortage` and `begin` stand before a session, `end` behind it, `audio` at each piece of audio. Seconds of
    session of parallel sessions add up. The day of a key begins with its first session. Audio may come in one
    piece of up to a minute's worth.

    Args:
        default: limits of keys that have none of their own.
        limits: limits of single keys, by name.
    """

    def __init__(
        self,
        default: KeyLimits | None = None,
        limits: Mapping[str, KeyLimits] = MappingProxyType({}),
    ) -> None:
        self.limits = limits
        self._default = default or KeyLimits()
        self._accounts: dict[str, _Account] = {}

    def is_limited(self, name: str) -> bool:
        """Return whether anything but the number of sessions is limited for the key of this name."""
        bounds = (_minutes, _audio)
        return any(self._bound(name, of) is not None for of in bounds)

    def begin(self, name: str | None, now: float) -> None:
        """Note that a session begins."""
        if name is not None:
            self._account(name, now).running += 1

    def end(self, name: str | None, now: float) -> None:
        """Note that a session has ended."""
        if name is not None:
            self._account(name, now).running -= 1

    def shortage(self, name: str | None, now: float) -> Shortage | None:
        """Return why this key can have no (further) minute of session; `None` when it can."""
        if name is None or (bound := self._bound(name, _minutes)) is None:
            return None
        account = self._account(name, now)
        if account.session_s < bound * 60.0:
            return None
        return Shortage(
            "key_minutes_reached",
            f"This API key has used its {bound:g} minutes of session for today.",
            account.day_ends - now,
        )

    def seconds_left(self, name: str | None, now: float) -> float:
        """Return for how many seconds the sessions that run with this key may go on together."""
        if name is None or (bound := self._bound(name, _minutes)) is None:
            return math.inf
        account = self._account(name, now)
        return max(0.0, bound * 60.0 - account.session_s) / max(1, account.running)

    def audio(self, name: str | None, seconds: float, now: float) -> Shortage | None:
        """Count audio, unless that is more than this key may send; return the shortage then.

        Args:
            name: name of the key.
            seconds: length of the audio.
            now: time in seconds.
        """
        if name is None or (bound := self._bound(name, _audio)) is None:
            return None
        account = self._account(name, now)
        rate = bound / 60.0
        account.audio_s = max(0.0, account.audio_s - (now - account.audio_until) * rate)
        account.audio_until = now
        # A piece longer than a minute's worth must go through once: while nothing else was sent.
        if account.audio_s and account.audio_s + seconds > bound:
            return Shortage(
                "rate_limit_exceeded",
                f"This API key may send {bound:g} seconds of audio a minute, in all its sessions together.",
                min(60.0, (account.audio_s + seconds - bound) / rate),
            )
        account.audio_s += seconds
        return None

    def _bound(self, name: str, of: Callable[[KeyLimits], float | None]) -> float | None:
        own = self.limits.get(name)
        bound = of(own) if own is not None else None
        return of(self._default) if bound is None else bound

    def _account(self, name: str, now: float) -> _Account:
        """Return the account of a key, with what its sessions have used until now."""
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = _Account(now)
        if now >= account.day_ends:
            # What ran through the end of the day counts for the new one from there on.
            start = account.day_ends if account.running else now
            account.session_s = 0.0
            account.minutes_until = max(start, now - DAY_S)
            account.day_ends = account.minutes_until + DAY_S
        account.session_s += account.running * (now - account.minutes_until)
        account.minutes_until = now
        return account
