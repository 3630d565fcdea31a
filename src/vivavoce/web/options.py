"""`CallOptions`: what calls from browsers may do, and how many there may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from vivavoce.errors import ConfigurationError
from vivavoce.protocol import RealtimeSession
from vivavoce.protocol.base import Tagged, Wire
from vivavoce.session.settings_keys import KEYS
from vivavoce.webrtc.config import RtcConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """What calls may do, and how many there may be.

    Args:
        max_calls: at the same time; the next one is refused with 503. Default 100.
        max_calls_per_user: of one user at the same time; the next one is refused with 429. Default: any.
            Users are compared by ``==``: let `authorize` return a name, a number, or an object with
            ``__eq__``, such as a dataclass. Objects without it, made anew for each request, never count as
            one user, and cannot hang up by HTTP either.
        max_s: seconds that a call may last; default one hour, ``None`` is any.
        rtc: UDP ports, addresses, STUN and TURN servers. Default: any port of any interface.
        show_agent: show the browser the agent's instructions, prompt and tools in `session.created` and
            `session.updated`, credentials of MCP servers left out, and the words of system messages. Default:
            they are kept from it.
        allow_settings: settings of the session that the browser may change by `session.update`, as paths:
            ``("audio.output.speed",)``. Default: none.

    Raises:
        ConfigurationError: a number is below one, a setting is none of a session, or `rtc` is no `RtcConfig`.
    """

    max_calls: int = 100
    max_calls_per_user: int | None = None
    max_s: float | None = 3600.0
    rtc: RtcConfig | None = None
    show_agent: bool = False
    allow_settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kinds in (("max_calls", int), ("max_calls_per_user", int), ("max_s", int | float)):
            value = getattr(self, name)
            if value is None and name != "max_calls":
                continue
            if isinstance(value, bool) or not isinstance(value, kinds) or not value >= 1:
                whole = "a whole number, " if kinds is int else ""
                raise ConfigurationError(f"{name} must be {whole}1 or more, got {value!r}")
        if not isinstance(self.rtc, RtcConfig | None):
            raise ConfigurationError(
                f"rtc must be an RtcConfig, got a {type(self.rtc).__name__}: write rtc=RtcConfig(…)"
            )
        _check_paths(self.allow_settings)


def _check_paths(paths: object) -> None:
    if isinstance(paths, str):
        raise ConfigurationError(f"allow_settings is the text {paths!r}; give a tuple: ({paths!r},)")
    if not isinstance(paths, tuple | list) or not all(isinstance(path, str) for path in paths):
        raise ConfigurationError(
            f"allow_settings must be a tuple of paths like ('audio.output.speed',), got {paths!r}"
        )
    for path in paths:
        known = dict(_settings(RealtimeSession))
        above = [path[:end] for end, mark in enumerate(path) if mark == "."]
        if path not in known and not any(known.get(part) for part in above):
            flat = [".".join(KEYS[path].path)] if path in KEYS else get_close_matches(path, known, n=1)
            meant = f"did you mean {flat[0]!r}?" if flat else "a path is like 'audio.output.speed'"
            raise ConfigurationError(f"allow_settings: a session has no setting {path!r}; {meant}")


def _settings(kind: Any, above: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the path of each setting below a type, and whether what is in it has names of the user's own."""
    for struct in _alternatives(kind):
        if not isinstance(struct, type) or not issubclass(struct, Wire):
            continue
        if issubclass(struct, Tagged) and above:
            yield f"{above}type", False
        hints = get_type_hints(struct)
        for name in struct.__struct_fields__:
            yield f"{above}{name}", any(get_origin(one) is Mapping for one in _alternatives(hints[name]))
            yield from _settings(hints[name], f"{above}{name}.")


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
