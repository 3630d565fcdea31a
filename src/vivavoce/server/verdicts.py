"""Asking guardrails: the quick ones at once, the others in the background."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vivavoce.conversation.check_points import CheckPoints
from vivavoce.server.guardrails import Said
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from vivavoce.server.guardrails import ServerGuardrail, Speaker

__all__ = ["CHECK_S", "MAX_WAITING", "Verdicts"]

CHECK_S = 5.0
"""Seconds that a coroutine has for one verdict."""
MAX_WAITING = 32
"""Parts and turns of a session that wait for verdicts; more are let pass, and the log says so."""
EVERY_CHARACTERS = 200
"""How often the words of an answer are judged by coroutines, beside the end of each sentence."""

Key = tuple[str, int]
"""What words belong to: an item, and which part of it."""

_log = logging.getLogger(__name__)


class Verdicts:
    """Asks the guardrails of one session.

    Args:
        guardrails: who is asked.
        session_id: of the session.
    """

    def __init__(self, guardrails: Sequence[ServerGuardrail], session_id: str) -> None:
        self._quick = [one for one in guardrails if not inspect.iscoroutinefunction(one.check)]
        self._slow: list[Any] = [one for one in guardrails if inspect.iscoroutinefunction(one.check)]
        self._session_id = session_id
        self._waiting: dict[Key, _Question] = {}
        self._tasks = Tasks()

    def ask(self, text: str, by: Speaker, *, final: bool, key: Key, block: Callable[[str], None]) -> bool:
        """Have words judged, and return whether they are blocked already.

        Args:
            text: all words so far.
            by: whose they are.
            final: whether no more will come.
            key: what they belong to: words of the same key grow.
            block: called with the guardrail's name when they are blocked, now or later.
        """
        said = Said(text, by, final, self._session_id)
        for guardrail in self._quick:
            if self._quick_verdict(guardrail, said):
                self._waiting.pop(key, None)
                block(guardrail.name)
                return True
        if self._slow:
            self._ask_later(said, key, block)
        return False

    def suspects(self, text: str, by: Speaker) -> bool:
        """Return whether words that may go on would be blocked at once if they did not."""
        said = Said(text, by, final=True, session_id=self._session_id)
        return any(self._quick_verdict(guardrail, said) for guardrail in self._quick)

    def drop(self, item_id: str) -> None:
        """Forget the questions about an item's parts: a verdict would come too late."""
        for key in [key for key in self._waiting if key[0] == item_id]:
            del self._waiting[key]

    async def aclose(self) -> None:
        """Drop what is awaited; safe to call twice."""
        self._waiting.clear()
        await self._tasks.aclose()

    def _quick_verdict(self, guardrail: ServerGuardrail, said: Said) -> bool:
        try:
            return guardrail.check(said) is True
        except Exception:  # noqa: BLE001 - a guardrail is anybody's code, and the session goes on without it
            self._failed(guardrail, exc_info=True)
            return False

    def _ask_later(self, said: Said, key: Key, block: Callable[[str], None]) -> None:
        question = self._waiting.get(key)
        if question is None:
            if len(self._waiting) >= MAX_WAITING:
                _log.warning("too much waits for guardrails", extra={"session_id": self._session_id})
                return
            question = self._waiting[key] = _Question(said.by, block)
        question.take(said)
        if not question.asking:
            question.asking = True
            self._tasks.spawn(self._answer(key, question), name="guardrails")

    async def _answer(self, key: Key, question: _Question) -> None:
        """Have the words judged until none are left that are due."""
        while self._waiting.get(key) is question and (text := question.due()) is not None:
            said = Said(text, question.by, question.final, self._session_id)
            for guardrail in self._slow:
                if await self._slow_verdict(guardrail, said):
                    if self._waiting.pop(key, None) is question:
                        question.block(guardrail.name)
                    return
        question.asking = False
        if question.final and self._waiting.get(key) is question:
            del self._waiting[key]

    async def _slow_verdict(self, guardrail: Any, said: Said) -> bool:
        try:
            async with asyncio.timeout(CHECK_S):
                return await guardrail.check(said) is True
        except TimeoutError:
            self._failed(guardrail, exc_info=False)
        except Exception:  # noqa: BLE001 - as above
            self._failed(guardrail, exc_info=True)
        return False

    def _failed(self, guardrail: ServerGuardrail, *, exc_info: bool) -> None:
        extra = {"session_id": self._session_id, "guardrail": guardrail.name}
        _log.error("a guardrail failed and blocked nothing", extra=extra, exc_info=exc_info)


class _Question:
    """Words that wait for the verdict of coroutines."""

    def __init__(self, by: Speaker, block: Callable[[str], None]) -> None:
        self.by = by
        self.block = block
        self.words = CheckPoints(EVERY_CHARACTERS, by_sentence=True)
        self.final = False
        self.asking = False
        self._settled = False

    def take(self, said: Said) -> None:
        """Take in what the words have grown to."""
        if said.final:
            self.words.finish(said.text)
            self.final = True
        else:
            self.words.add(said.text[len(self.words.text) :])

    def due(self) -> str | None:
        """Return all words so far if they are to be judged now; the last time when they are final."""
        text = self.words.take()
        if not self.final:
            return text
        settled, self._settled = self._settled, True
        return None if settled else self.words.text
