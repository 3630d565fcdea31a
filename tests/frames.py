"""A plugin: every frame that a server says in any test is judged, and the official SDKs must take it.

It listens where events leave a session, which must keep their order (see `server/order.py`), and where frames
leave the endpoint. What is new in shape is checked at once under the strict types of `openai`, and
fails the test that made it; at the end of the run all shapes together go through the parser and the transport
of the JavaScript Agents SDK, and fail the run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from tests.server.order import Order

from vivavoce.conversation.server import ServerConversation
from vivavoce.protocol import ServerEvent, replace, to_builtins

JS_SOURCES = Path(__file__).parent / "js"
ORACLE_TIMEOUT_S = 60
WORDS = {"type", "status", "role", "object", "reason", "code", "conversation", "detail"}
"""Fields whose strings have a meaning each; all others are the same in shape."""
SOUND = "response.output_audio.delta"
SOUNDS_CHECKED = 20
"""Audio is most of what is sent, and no two pieces of it differ in shape."""

Frame = dict[str, Any]


def shape_of(value: Any, name: str = "") -> Any:
    """What matters of a frame to a parser: its keys, the types of their values, and its words of art."""
    match value:
        case dict():
            return tuple((key, shape_of(member, key)) for key, member in value.items())
        case list() | tuple():
            return tuple(sorted({repr(shape_of(member, name)) for member in value}))
        case str() if name in WORDS:
            return value
    return type(value).__name__


@cache
def _types(beta: bool) -> Any:
    """The official types of what a server says; `None` where the package is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what another package warns of on import is not ours to fix
        try:
            import openai.types.beta.realtime
            import openai.types.realtime
            from pydantic import TypeAdapter
        except ImportError:
            return None
        dialect = openai.types.beta.realtime if beta else openai.types.realtime
        return TypeAdapter[Any](dialect.RealtimeServerEvent)


@cache
def js_home() -> tuple[str, Path] | None:
    """Node.js and the folder of the JavaScript clients, as `make` installed them; `None` where it has not."""
    folder = Path(os.environ.get("VIVAVOCE_JS") or Path(sys.prefix) / "share" / "js")
    note = folder / "node.txt"
    return (note.read_text(encoding="utf-8"), folder) if note.is_file() else None


def js_verdicts(frames: Iterable[Frame]) -> list[str]:
    """What the JavaScript SDK says of each frame; the empty string where it takes it.

    Raises:
        RuntimeError: it is not installed, or did not answer for each.
    """
    if (home := js_home()) is None:
        raise RuntimeError("needs the JavaScript clients: make .venv/.js")
    node, folder = home
    lines = [json.dumps(frame) for frame in frames]
    done = subprocess.run(
        [node, str(JS_SOURCES / "oracle.mjs")],
        input="".join(f"{line}\n" for line in lines),
        env={**os.environ, "VIVAVOCE_JS": str(folder)},
        capture_output=True,
        text=True,
        timeout=ORACLE_TIMEOUT_S,
        check=False,
    )
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    if len(verdicts) != len(lines):
        raise RuntimeError(f"the oracle answered for {len(verdicts)} of {len(lines)} frames: {done.stderr}")
    return verdicts


@dataclass
class Frames:
    """What was said in this run, once in each shape."""

    test: str = ""
    seen: dict[Any, tuple[str, Frame]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    sounds: int = 0

    def note(self, frame: Frame, *, beta: bool = False) -> None:
        """Check a frame unless one of its shape has been seen."""
        if frame.get("type") == SOUND:
            self.sounds += 1
            if self.sounds > SOUNDS_CHECKED:
                return
        shape = (beta, shape_of(frame))
        if shape in self.seen:
            return
        self.seen[shape] = (self.test, frame)
        if (types := _types(beta)) is None:
            return
        try:
            types.validate_json(json.dumps(frame), strict=True)
        except ValueError as error:
            self.problems.append(f"the package openai refuses {json.dumps(frame)[:2000]}\n{error}")

    def take_problems(self) -> list[str]:
        """Return what was found since the last call."""
        problems, self.problems = self.problems, []
        return problems

    def judged_by_js(self) -> list[str]:
        """Return what the JavaScript SDK makes of everything said, where it is not what it should be."""
        said = [each for (beta, _), each in self.seen.items() if not beta]
        verdicts = js_verdicts(frame for _, frame in said)
        return [
            f"{test}: a frame {verdict}\n  {json.dumps(frame)[:2000]}"
            for (test, frame), verdict in zip(said, verdicts, strict=True)
            if verdict
        ]


FRAMES = Frames()


def watch() -> None:
    """Listen to every session and every endpoint of this process, from now on."""
    take = ServerConversation.events_to_send
    orders: WeakKeyDictionary[ServerConversation, Order | None] = WeakKeyDictionary()

    def events_to_send(conversation: ServerConversation) -> list[ServerEvent]:
        events = take(conversation)
        order = orders.setdefault(conversation, Order())
        for event in events:
            plain = event.type != SOUND or FRAMES.sounds <= SOUNDS_CHECKED
            frame = to_builtins(event if plain else replace(event, delta=b""))
            if plain:
                FRAMES.note(frame)
            if order is not None and (problem := order.disorder(frame)) is not None:
                FRAMES.problems.append(problem)
                order = orders[conversation] = None  # what follows would be told to be wrong, too
        return events

    setattr(ServerConversation, take.__name__, events_to_send)
    try:
        from vivavoce.server.app import RealtimeApp
    except ImportError:  # the extra is not installed
        return
    serve = RealtimeApp.__call__

    async def call(app: RealtimeApp, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await serve(app, scope, receive, send)
            return
        line = _Line(receive, send, beta=_says_beta(scope))
        await serve(app, scope, line.receive, line.send)

    setattr(RealtimeApp, serve.__name__, call)
    _watch_data_channels()


def _watch_data_channels() -> None:
    """Listen to what leaves by WebRTC, where events of the media join those of the session."""
    from vivavoce.server.data_channel import DataChannel

    write = DataChannel.written
    orders: WeakKeyDictionary[DataChannel, Order | None] = WeakKeyDictionary()

    def written(channel: DataChannel, name: str, frame: str) -> str:
        text = write(channel, name, frame)
        event = json.loads(text)
        FRAMES.note(event, beta=channel.beta)
        greeted = event["type"] == "session.created" and not channel.beta  # else it carries no session
        order = orders.setdefault(channel, Order() if greeted else None)
        if order is not None and (problem := order.disorder(event)) is not None:
            FRAMES.problems.append(problem)
            orders[channel] = None
        return text

    setattr(DataChannel, write.__name__, written)


def _says_beta(scope: Any) -> bool:
    headers = dict(scope.get("headers", ()))
    protocols = scope.get("subprotocols", ())
    return b"realtime=v1" in headers.get(b"openai-beta", b"") or "openai-beta.realtime-v1" in protocols


class _Line:
    """One socket, both ways.

    A client whose first event, audio aside, is an update without `session.type` speaks the beta dialect.
    """

    def __init__(self, receive: Any, send: Any, *, beta: bool) -> None:
        self._receive = receive
        self._send = send
        self._beta = beta
        self._decided = beta
        # Where the endpoint looks for the transport of a peer that must be cut off.
        self.transport = getattr(getattr(send, "__self__", None), "transport", None)

    async def receive(self) -> Any:
        message = await self._receive()
        text = message.get("text") or ""
        if text and not self._decided and '"input_audio_buffer.append"' not in text:
            self._decided = True
            self._beta = '"session.update"' in text and not _names_session_type(text)
        return message

    async def send(self, message: Any) -> None:
        text = message.get("text") if message["type"] == "websocket.send" else None
        if text is not None and f'"{SOUND}"' not in text:
            FRAMES.note(json.loads(text), beta=self._beta)
        await self._send(message)


def _names_session_type(text: str) -> bool:
    try:
        return "type" in json.loads(text)["session"]
    except (ValueError, KeyError, TypeError):
        return True


watch()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test in which a server said something that the package `openai` refuses."""
    FRAMES.test = item.nodeid
    FRAMES.take_problems()
    result = yield
    if problems := FRAMES.take_problems():
        pytest.fail("\n".join(problems), pytrace=False)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when the JavaScript SDK does not understand what servers said in it."""
    if FRAMES.seen and js_home() is not None:
        FRAMES.complaints = FRAMES.judged_by_js()
    elif FRAMES.seen and os.environ.get("VIVAVOCE_REQUIRE_ALL", "") not in {"", "0"}:
        FRAMES.complaints = ["needs the JavaScript clients: make .venv/.js"]
    if FRAMES.complaints:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was judged, and what was not taken."""
    if FRAMES.seen:
        judge = "not shown to the JavaScript SDK" if js_home() is None else "shown to the JavaScript SDK"
        terminalreporter.write_line(f"Frames of {len(FRAMES.seen)} shapes were {judge}.")
    if FRAMES.complaints:
        terminalreporter.section("frames that the JavaScript SDK does not take", red=True)
        for complaint in FRAMES.complaints:
            terminalreporter.write_line(complaint)
