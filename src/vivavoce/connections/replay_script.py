"""What a recording asks of a replay: what to say, what to wait for, and how the two runs differ.

What a session sends falls into three kinds. What its agent does (settings, outputs of tools, the request to
go on after them, words to the model) must come again and is compared. What the person did (speech, messages,
interruptions) is in the recording and need not come. The rest is housekeeping that follows from the clock.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, TypeAlias

from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.observe.recording import RecordedEvent, Recording, audio_length
from vivavoce.protocol import ServerEvent, SessionCreated, Unknown
from vivavoce.protocol.codec import server_event_from

Key: TypeAlias = tuple[str, str]
"""What tells an event of the agent: its kind, and the call that it answers."""

KINDS = ("session.update", "function_call_output", "response.create", "system_message")
"""Kinds of events that are compared; a replay can be told to ignore some."""

_SILENCE = {"audio/pcmu": b"\xff", "audio/pcma": b"\xd5"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a replay.

    Attributes:
        at: when it was recorded, in seconds.
        say: the server's event to deliver.
        key: what the session must have sent by now.
        form: what it sent when the recording was made, for comparison; also what the person did.
    """

    at: float
    say: ServerEvent | Unknown | None = None
    key: Key | None = None
    form: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """Something that the session did otherwise than in the recording.

    Attributes:
        kind: ``changed``, ``missing`` (it never came) or ``unexpected`` (it was not recorded).
        at: seconds into the recording.
        what: the event, and the path in it.
        recorded: the value in the recording.
        present: the value now.
    """

    kind: Literal["changed", "missing", "unexpected"]
    at: float
    what: str
    recorded: Any = None
    present: Any = None

    def __str__(self) -> str:
        place = f"at {self.at:.2f} s: {self.what}"
        if self.kind == "changed":
            return f"{place}: recorded {self.recorded!r}, now {self.present!r}"
        if self.kind == "missing":
            return f"{place}: recorded {self.recorded!r}, but it did not come"
        return f"{place}: now {self.present!r}, which was not recorded"


class RecordedPlayback(RealtimePlaybackTracker):
    """Says that as much was played as in the recording, at whatever speed it is replayed.

    Args:
        recording: what was cut in it was heard up to there, all else to its end.
    """

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._heard: dict[tuple[str, int], float] = {}
        for entry in recording.events:
            if entry.sender == "client" and entry.type == "conversation.item.truncate":
                event, end = entry.event, entry.event.get("audio_end_ms")
                if isinstance(end, int | float):
                    self._heard[str(event.get("item_id")), event.get("content_index", 0)] = float(end)

    def played_ms(self, item_id: str, content_index: int) -> float:
        """Return how much of a part was heard when it was recorded, in milliseconds."""
        return self._heard.get((item_id, content_index), inf)


def key_of(event: Mapping[str, Any]) -> Key | None:
    """Return what kind of the agent's doings an event of a client is; ``None``: none that is compared."""
    kind = event.get("type")
    if kind in {"session.update", "response.create"}:
        return str(kind), ""
    if kind != "conversation.item.create":
        return None
    item = event.get("item", {})
    if item.get("type") == "function_call_output":
        return "function_call_output", str(item.get("call_id"))
    if item.get("type") == "message" and item.get("role") == "system":
        return "system_message", ""
    return None


def steps_of(recording: Recording) -> list[Step]:
    """Return the steps of a replay.

    Raises:
        ConfigurationError: no session begins in it, or an event of the server is not one.
    """
    steps: list[Step] = []
    known_calls: set[str] = set()
    silence, follow_up, away = b"\0", False, False
    for entry in recording.events:
        if entry.sender == "session":
            # What passes while a connection is made anew is not the conversation.
            away = (away or entry.type == "connection_lost") and entry.type != "reconnected"
        elif away:
            continue
        elif entry.sender == "server":
            silence = _silence(entry.event, silence)
            known_calls.update(_calls(entry.event))
            steps.append(Step(entry.at, say=_playable(recording, entry, silence)))
        else:
            key = key_of(entry.event)
            if key is not None and key[0] == "function_call_output" and key[1] not in known_calls:
                key = None  # of an earlier conversation, with which this one began
            agents = key is not None and (key[0] != "response.create" or follow_up)
            follow_up = _follow_up(entry.event, key, follow_up)
            steps.append(Step(entry.at, key=key if agents else None, form=entry.event))
    if not any(isinstance(step.say, SessionCreated) for step in steps):
        raise ConfigurationError(f"{recording.name}: no session begins in it (there is no session.created)")
    return steps


def _follow_up(event: Mapping[str, Any], key: Key | None, before: bool) -> bool:
    """Return whether the next request for a response is the agent's own."""
    if key is not None and key[0] in {"function_call_output", "system_message"}:
        return True
    asked = event.get("type") == "conversation.item.create"
    return before and not asked and event.get("type") != "response.create"


def _calls(event: Mapping[str, Any]) -> Iterator[str]:
    items = [event.get("item"), *(event.get("response") or {}).get("output", ())]
    for item in items:
        if isinstance(item, Mapping) and item.get("type") == "function_call" and "call_id" in item:
            yield str(item["call_id"])


def _silence(event: Mapping[str, Any], before: bytes) -> bytes:
    """Return a byte of silence in the format in which the agent speaks."""
    if event.get("type") not in {"session.created", "session.updated"}:
        return before
    audio = (event.get("session") or {}).get("audio") or {}
    form = ((audio.get("output") or {}).get("format") or {}).get("type")
    return before if form is None else _SILENCE.get(form, b"\0")


def _playable(recording: Recording, entry: RecordedEvent, silence: bytes) -> ServerEvent | Unknown:
    raw = dict(_without_lengths(entry.event))
    size = audio_length(entry.event.get("delta"))
    if entry.type == "response.output_audio.delta" and size is not None:
        raw["delta"] = base64.b64encode(silence * size).decode()
    try:
        return server_event_from(raw)
    except RemoteProtocolError as error:
        raise ConfigurationError(
            f"{recording.name}: the event {entry.type!r} at {entry.at:.2f} s cannot be replayed: {error}"
        ) from error


def _without_lengths(value: Any) -> Any:
    """Return a JSON value without the lengths that stand where audio was."""
    if isinstance(value, Mapping):
        return {
            key: _without_lengths(part)
            for key, part in value.items()
            if key != "audio" or audio_length(part) is None
        }
    return [_without_lengths(part) for part in value] if isinstance(value, list | tuple) else value


@dataclass(slots=True)
class _Sent:
    key: Key
    form: Mapping[str, Any]
    at: float


class Comparison:
    """Compares what a session sends with what it sent when it was recorded.

    Args:
        steps: of the replay.
        ignore: kinds of events that may differ; see `KINDS`.

    Raises:
        ConfigurationError: there is no such kind.
    """

    def __init__(self, steps: Sequence[Step], ignore: Collection[str] = ()) -> None:
        unknown = set(ignore) - set(KINDS)
        if unknown:
            raise ConfigurationError(
                f"cannot ignore {', '.join(sorted(unknown))}; what is compared is: {', '.join(KINDS)}"
            )
        self._ignore = frozenset(ignore)
        self._changed: list[ReplayDifference] = []
        self._arrived: list[_Sent] = []
        self._missing: list[_Sent] = []
        self._persons = [
            key for step in steps if step.form is not None and step.key is None and (key := key_of(step.form))
        ]

    @property
    def differences(self) -> list[ReplayDifference]:
        """What differs so far, in the order of the recording."""
        found = list(self._changed)
        found += [
            ReplayDifference("missing", sent.at, _named(sent.key), recorded=_compared(sent.form))
            for sent in self._missing
        ]
        persons = list(self._persons)
        for sent in self._arrived:
            if sent.key in persons:
                persons.remove(sent.key)
            else:
                found.append(
                    ReplayDifference("unexpected", sent.at, _named(sent.key), present=_compared(sent.form))
                )
        return sorted((one for one in found if self._counts(one)), key=lambda one: one.at)

    def _counts(self, difference: ReplayDifference) -> bool:
        return difference.what.split(" ", 1)[0] not in self._ignore

    def arrived(self, form: Mapping[str, Any], at: float) -> None:
        """Note what the session has sent.

        Args:
            form: its JSON form.
            at: seconds into the recording.
        """
        key = key_of(form)
        if key is None:
            return
        late = next((sent for sent in self._missing if sent.key == key), None)
        if late is None:
            self._arrived.append(_Sent(key, form, at))
        else:
            self._missing.remove(late)
            self._compare(late, form)

    def take(self, step: Step) -> bool:
        """Return whether the session has sent what a step waits for; it is compared then."""
        assert step.key is not None
        assert step.form is not None
        found = next((sent for sent in self._arrived if sent.key == step.key), None)
        if found is None:
            return False
        self._arrived.remove(found)
        self._compare(_Sent(step.key, step.form, step.at), found.form)
        return True

    def give_up(self, step: Step) -> None:
        """Note that what a step waits for did not come. It may still come later."""
        assert step.key is not None
        assert step.form is not None
        self._missing.append(_Sent(step.key, step.form, step.at))

    def _compare(self, recorded: _Sent, present: Mapping[str, Any]) -> None:
        for path, before, now in changes(_compared(recorded.form), _compared(present)):
            what = f"{_named(recorded.key)} {path}".strip()
            self._changed.append(ReplayDifference("changed", recorded.at, what, before, now))


def _named(key: Key) -> str:
    return " ".join(part for part in key if part)


def _compared(form: Mapping[str, Any]) -> Any:
    """Return the part of an event that says what it does: without ids, which are new every time."""
    if form.get("type") == "session.update":
        return form.get("session")
    if form.get("type") == "response.create":
        return form.get("response", {})
    item = form.get("item", {})
    return item.get("output") if item.get("type") == "function_call_output" else item.get("content")


def changes(recorded: Any, present: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Return where two JSON values differ: ``(path, recorded, present)``; ``None`` where one has nothing."""
    if isinstance(recorded, Mapping) and isinstance(present, Mapping):
        for key in dict.fromkeys([*recorded, *present]):
            yield from changes(recorded.get(key), present.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(recorded, list) and isinstance(present, list) and len(recorded) == len(present):
        for index, (before, now) in enumerate(zip(recorded, present, strict=True)):
            yield from changes(before, now, f"{path}[{index}]")
    elif recorded != present:
        yield path, recorded, present
