"""What a session would be that began with given settings, for those who are given them over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from vivavoce.conversation.mcp_rules import without_secrets
from vivavoce.conversation.server import ServerConversation
from vivavoce.conversation.settings import initial_session, merge
from vivavoce.engines.base import Engines
from vivavoce.engines.speech_model import SpeechModel
from vivavoce.errors import RemoteProtocolError
from vivavoce.ids import RandomIds
from vivavoce.pipeline import SessionOptions
from vivavoce.pipeline.equipment import equipped
from vivavoce.protocol import RealtimeSession, Session, SessionCreated, replace
from vivavoce.protocol.beta import asks_for_beta
from vivavoce.protocol.beta_client import beta_session_from
from vivavoce.protocol.codec import session_from
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.query import session_options

__all__ = ["opening_session", "session_of"]


def opening_session(engines: Engines | SpeechModel, defaults: SessionOptions, settings: Session) -> Session:
    """Return the session as `session.created` would show it, with `expires_at` 0: nobody has opened it.

    Args:
        engines: who would answer in it. What a `SpeechModel` can do shows only when a session is opened.
        defaults: what the operator decided.
        settings: what the session begins with, whole or in part.

    Raises:
        RemoteProtocolError: the settings cannot be met.
        RefusedError: the model has no name that can be taken.
    """
    options = session_options(b"", defaults, settings)
    if isinstance(options, Refusal):
        raise RefusedError(options)
    ids = RandomIds()
    session: Session
    if not isinstance(engines, Engines):
        session = without_secrets(merge(initial_session(ids.new("sess"), options), settings))
    else:
        conversation = ServerConversation(equipped(options, engines), ids, 0.0, settings)
        created = conversation.events_to_send()[0]
        assert isinstance(created, SessionCreated)
        session = created.session
    return replace(session, expires_at=0)


def session_of(raw: object) -> Session:
    """Return the settings that a request has for a session, in today's form or the beta's.

    Args:
        raw: as in the JSON of the request. What is left out is a realtime session.

    Raises:
        RemoteProtocolError: they are no settings of a session, or of one that is not offered here.
    """
    if raw is None:
        return RealtimeSession()
    if isinstance(raw, Mapping) and "type" not in raw:
        if asks_for_beta({"type": "session.update", "session": raw}):
            return beta_session_from(raw)
        raw = {**raw, "type": "realtime"}
    if isinstance(raw, Mapping) and raw.get("type") == "translation":
        raise RemoteProtocolError(
            "Translation sessions are not supported by this server.",
            code="translation_not_supported",
            param="session.type",
        )
    return session_from(raw)
