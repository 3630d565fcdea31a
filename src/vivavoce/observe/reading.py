"""What observers read out of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vivavoce.protocol import (
    UNSET,
    ConversationItemCreate,
    CustomVoice,
    FunctionCallItem,
    MessageItem,
    OutputAudio,
    OutputText,
    TracingConfig,
    present,
)

if TYPE_CHECKING:
    from vivavoce.protocol import ClientEvent, RealtimeSession, Response, Usage


def asked_by_person(event: ClientEvent) -> bool:
    """Return whether an event carries a written message of the person."""
    if not isinstance(event, ConversationItemCreate):
        return False
    return isinstance(event.item, MessageItem) and event.item.role == "user"


def calls_functions(response: Response) -> bool:
    """Return whether a finished response calls functions, and so is followed by another one."""
    return any(
        isinstance(item, FunctionCallItem) and present(item.status, "completed") == "completed"
        for item in response.output
    )


def words_of(response: Response) -> str:
    """Return what a response said or wrote."""
    words = []
    for item in response.output:
        for part in item.content if isinstance(item, MessageItem) else ():
            if isinstance(part, OutputAudio):
                words.append(present(part.transcript, "") or "")
            elif isinstance(part, OutputText):
                words.append(part.text)
    return " ".join(word for word in words if word)


def usage_attributes(usage: Usage) -> dict[str, int]:
    """Return tokens as the attributes of a span."""
    read, written = usage.input_token_details, usage.output_token_details
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "vivavoce.usage.input_text_tokens": read.text_tokens,
        "vivavoce.usage.input_audio_tokens": read.audio_tokens,
        "vivavoce.usage.input_image_tokens": read.image_tokens,
        "vivavoce.usage.cached_tokens": read.cached_tokens,
        "vivavoce.usage.output_text_tokens": written.text_tokens,
        "vivavoce.usage.output_audio_tokens": written.audio_tokens,
    }


def name_of(agent_or_tool: Any) -> str:
    """Return the name of an agent or a tool."""
    return str(getattr(agent_or_tool, "name", agent_or_tool))


def guardrail_name(result: Any) -> str:
    """Return the name of the guardrail that a result is of."""
    guardrail = getattr(result, "guardrail", result)
    get_name = getattr(guardrail, "get_name", None)
    return str(get_name()) if callable(get_name) else name_of(guardrail)


def voice_of(session: RealtimeSession) -> str:
    """Return the name or the id of the session's voice; empty where it says nothing of one."""
    audio = present(session.audio, None)
    output = present(audio.output, None) if audio is not None else None
    voice = output.voice if output is not None else UNSET
    return voice.id if isinstance(voice, CustomVoice) else present(voice, "")


def labels_of(session: RealtimeSession) -> dict[str, str]:
    """Return the client's labels of its trace (`session.tracing`) as attributes."""
    labels = session.tracing
    if not isinstance(labels, TracingConfig):
        return {}
    named = {"workflow_name": present(labels.workflow_name, ""), "group_id": present(labels.group_id, "")}
    named |= {f"metadata.{key}": str(value) for key, value in present(labels.metadata, {}).items()}
    return {f"vivavoce.{name}": value for name, value in named.items()}


def failure_of(response: Response) -> tuple[str, str]:
    """Return the code and the words of a failed response's error."""
    details = response.status_details
    error = present(details.error, None) if details is not None else None
    if error is None:
        return "failed", ""
    code = present(error.code, None) or present(error.type, None)
    return code or "failed", present(error.message, None) or ""


def in_ms(seconds: float) -> float:
    """Return seconds as milliseconds, to a microsecond."""
    return round(seconds * 1000, 3)
