"""What a session would be that began with given settings: for those who hand out secrets for it."""

from __future__ import annotations

from vivavoce.conversation.mcp_rules import without_secrets
from vivavoce.conversation.server import ServerConversation
from vivavoce.conversation.settings import initial_session, merge
from vivavoce.engines.base import Engines
from vivavoce.engines.speech_model import SpeechModel
from vivavoce.ids import RandomIds
from vivavoce.pipeline import SessionOptions
from vivavoce.pipeline.equipment import equipped
from vivavoce.protocol import Session, SessionCreated, replace
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.query import session_options

__all__ = ["opening_session"]


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
