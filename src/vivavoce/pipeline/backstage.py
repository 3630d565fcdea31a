"""What the parts of a `LocalSession` share: the engines, the tasks, and the way back to the conversation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.server import ServerConversation
from vivavoce.engines.base import Engines
from vivavoce.errors import EngineError
from vivavoce.tasks import Tasks

logger = logging.getLogger(__name__)

Receive = Callable[[ServerConversation, float], None]
"""Gives the conversation something, under the time at which it comes."""


@dataclass(frozen=True, slots=True)
class Backstage:
    """What every part of a session works with.

    Attributes:
        session_id: of the session, for logs and for providers.
        engines: who hears, thinks and speaks.
        options: what the operator decided.
        conversation: to ask; it is told things through `feed`.
        tasks: of the session; they end with it.
        feed: gives the conversation a result and sends what follows from it.
    """

    session_id: str
    engines: Engines
    options: SessionOptions
    conversation: ServerConversation
    tasks: Tasks
    feed: Callable[[Receive], None]

    def explain(self, what: str, error: Exception, **where: str) -> str:
        """Log what an engine raised, and return what the client is told of it."""
        known = isinstance(error, EngineError)
        level = logging.WARNING if known else logging.ERROR
        where |= {"session_id": self.session_id, "detail": str(error)}
        logger.log(level, what, extra=where, exc_info=None if known else error)
        return str(error) if known and self.options.explain_failures else f"{what}."
