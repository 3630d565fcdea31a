"""What an upstream session must begin with: the operator's wishes, then those of the client's key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vivavoce.conversation.options import SessionOptions
from vivavoce.protocol import (
    UNSET,
    AudioOutput,
    RealtimeSession,
    ResponseCreate,
    ResponseCreateParams,
    SessionAudio,
    SessionUpdate,
    TranscriptionSession,
    replace,
)
from vivavoce.urls import shown_url

if TYPE_CHECKING:
    from vivavoce.protocol import ClientEvent, Session

_UNTOUCHED = SessionOptions()


def is_transcription(options: SessionOptions, settings: Session | None) -> bool:
    """Return whether a session only writes down what it hears."""
    return options.transcription_only or isinstance(settings, TranscriptionSession)


def named_model(options: SessionOptions, settings: Session | None) -> str | None:
    """Return the model that the client, or its key, asks for by name; else the operator's; else ``None``."""
    if options.model_named:
        return options.model
    if isinstance(settings, RealtimeSession) and isinstance(settings.model, str):
        return settings.model
    return options.model if options.model != _UNTOUCHED.model else None


def opening_patches(options: SessionOptions, settings: Session | None) -> list[Session]:
    """Return the sessions to be sent as `session.update`, in order, before the client hears anything.

    Args:
        options: of them, instructions and voice are the operator's wishes where they are not what every
            server begins with: an upstream has defaults of its own.
        settings: what the session begins with beyond that, or ``None``.
    """
    patches: list[Session] = []
    if not is_transcription(options, settings):
        instructions = options.instructions if options.instructions != _UNTOUCHED.instructions else UNSET
        audio = (
            SessionAudio(output=AudioOutput(voice=options.voice))
            if options.voice != _UNTOUCHED.voice
            else UNSET
        )
        if instructions is not UNSET or audio is not UNSET:
            patches.append(RealtimeSession(instructions=instructions, audio=audio))
    if isinstance(settings, RealtimeSession):
        settings = replace(settings, model=UNSET, temperature=UNSET)
    if settings is not None:
        patches.append(without_identity(settings))
    return patches


def without_identity(session: Session) -> Session:
    """Return a session without what only the server sets: a client that sends it back means nothing by it."""
    return replace(session, id=UNSET, object=UNSET, expires_at=UNSET)


def without_temperature(event: ClientEvent) -> ClientEvent:
    """Return an event without what only the beta dialect has: a server of the GA API would refuse it.

    The session that it then shows has no temperature either.
    """
    if isinstance(event, SessionUpdate) and isinstance(event.session, RealtimeSession):
        return replace(event, session=replace(event.session, temperature=UNSET))
    if isinstance(event, ResponseCreate) and isinstance(event.response, ResponseCreateParams):
        return replace(event, response=replace(event.response, temperature=UNSET))
    return event


def shown_expiry(theirs: object, options: SessionOptions) -> int:
    """Return when a session ends: at the upstream's time or ours, whichever comes first."""
    ours = options.created_at + int(options.max_session_s)
    return min(theirs, ours) if isinstance(theirs, int) and theirs > 0 else ours


def shown_tools(tools: object) -> object:
    """Return the tools of a session, in their JSON form, without the keys of their MCP servers.

    A client secret's session may hold keys of the operator's, and whoever has the secret sees the session.
    """
    return [_shown(tool) for tool in tools] if isinstance(tools, list) else tools


def _shown(tool: object) -> object:
    if not isinstance(tool, Mapping) or tool.get("type") != "mcp":
        return tool
    kept = {name: value for name, value in tool.items() if name not in {"authorization", "headers"}}
    if isinstance(url := kept.get("server_url"), str):
        kept["server_url"] = shown_url(url)
    return kept
