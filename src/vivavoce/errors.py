"""Every exception that vivavoce raises, in one tree.

VivavoceError
├── ConfigurationError      a setting, a key or an extra is wrong or missing: says which and what to do
│   ├── MissingExtraError   an optional package is not installed: names the `pip install` command
│   └── MissingKeyError     a server wants a key and none was given: says where one is looked for
├── ProtocolError           a rule of the Realtime API was broken
│   ├── LocalProtocolError  by this program: a bug here or a wrong call
│   └── RemoteProtocolError by the peer: carries what an `error` event needs (code, param)
├── AudioFormatError        audio is not in the form that was promised: says what was found and is accepted
├── SdpError                an SDP offer or answer is none, or asks for what there is not: says what
├── NoPortError             every UDP port that media may use is taken
├── EngineError             an engine (VAD, STT, LLM, TTS) failed or refused its input
├── ConnectionLostError     the connection to the model, or to an MCP server, could not be made or broke
├── ToolError               a tool was unknown, got bad arguments, raised or took too long
├── WebhookVerificationError  a webhook is not from the server, too old, or no event
├── GuardrailError          a guardrail failed or stopped too much
├── SessionClosedError      a call on a session that has ended
├── CallerTimeoutError      in a test or a demo: the agent did not do what a simulated caller waits for
└── StalledError            on the virtual clock of a test: everybody waits, nothing is scheduled

Two rooms have kinds of `VivavoceError` that only they know: `text.failures` (`RunFailedError`: a run of a
text agent ended without an output) and `testing.scripted_model` (`RealtimeScriptError`: a session did not
follow its script).
"""

from __future__ import annotations


class VivavoceError(Exception):
    """Root of every exception that this package raises on purpose."""


class ConfigurationError(VivavoceError):
    """A setting, key or option is wrong; the message names it and says what is accepted."""


class MissingExtraError(ConfigurationError):
    """An optional package is needed and absent.

    Args:
        extra: name of the extra that brings it, for example ``"local"``.
        purpose: what needed it, for example ``"the Silero voice activity detector"``.
    """

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs an extra: pip install 'vivavoce[{extra}]'")
        self.extra = extra


class MissingKeyError(ConfigurationError):
    """A server wants an API key, and there is none.

    Args:
        problem: what is missing, and which variables of the environment can bring it.
        others: what else a session may do; another caller puts its own words in their place.

    Attributes:
        problem: as given.
    """

    def __init__(self, problem: str, others: str) -> None:
        super().__init__(f"{problem}, {others}")
        self.problem = problem


class ProtocolError(VivavoceError):
    """A rule of the Realtime API was broken."""


class LocalProtocolError(ProtocolError):
    """This program broke a rule of the protocol: a wrong call, not bad input."""


class RemoteProtocolError(ProtocolError):
    """The peer broke a rule of the protocol.

    Args:
        message: what was wrong, in words for the peer's developer.
        code: machine-readable code of the `error` event, for example ``"invalid_value"``.
        param: path of the offending field, for example ``"session.audio.input.format"``, or ``None``.
        event_id: the client's id of the offending event, or ``None``.
        kind: `type` of the `error` event, for example ``"rate_limit_error"`` where no event was wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        param: str | None = None,
        event_id: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.event_id = event_id
        self.kind = kind


class AudioFormatError(VivavoceError):
    """Audio is not in the form that was promised; the message says what was found and what is accepted."""


class SdpError(VivavoceError):
    """A session description of WebRTC is malformed, or asks for what there is not; the message says what."""


class NoPortError(VivavoceError):
    """Every UDP port that media may use is taken; the message names the range and the setting."""


class EngineError(VivavoceError):
    """An engine failed or refused its input; the session goes on."""


class ConnectionLostError(VivavoceError):
    """The connection to the realtime model could not be made, or broke.

    Args:
        message: what happened.
        status: HTTP status with which the server refused, or ``None``.
    """

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ToolError(VivavoceError):
    """A tool was unknown, got bad arguments, raised or took too long; the session goes on.

    Args:
        message: what happened.
        tool_name: name by which the model called, or empty.
        call_id: the model's id of the call, or empty.
    """

    def __init__(self, message: str, *, tool_name: str = "", call_id: str = "") -> None:
        super().__init__(message)
        self.tool_name = tool_name
        self.call_id = call_id


class GuardrailError(VivavoceError):
    """A guardrail raised or took too long, or stopped so much that the session says so; it goes on."""


class WebhookVerificationError(VivavoceError):
    """A webhook is not from the server that it claims to be from, is too old, or holds no event."""


class SessionClosedError(VivavoceError):
    """A method was called on a session that has ended."""


class CallerTimeoutError(VivavoceError):
    """A simulated caller waited too long for the agent; the message says for what."""


class StalledError(VivavoceError):
    """A program on the virtual clock waits for something that can no longer happen."""
