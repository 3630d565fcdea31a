"""Checks what the agent says, while it says it, and stops what must not be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from vivavoce.agents.guarding import GuardrailRun, run_output_guardrails
from vivavoce.agents.guardrails import GuardrailFunctionOutput, OutputGuardrail, OutputGuardrailResult
from vivavoce.conversation.check_points import CheckPoints
from vivavoce.errors import GuardrailError
from vivavoce.session.events import RealtimeError, RealtimeGuardrailTripped
from vivavoce.session.first_trip import until_trip
from vivavoce.session.guardrail_messages import feedback_text, guardrail_failure, output_feedback
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from vivavoce.agents import RealtimeAgent, RunContextWrapper
    from vivavoce.session.events import RealtimeSessionEvent
    from vivavoce.session.run_settings import GuardrailSettings

OutputRun: TypeAlias = GuardrailRun[OutputGuardrail[Any], OutputGuardrailResult]

ANSWERS = 32
"""Answers that are watched at the same time; beyond them the oldest is taken for over."""
TRIPS_IN_A_ROW = 3
"""Answers in a row that may be stopped before the model is not asked to try again."""


class GuardPort(Protocol):
    """What the guard needs of its session."""

    @property
    def context(self) -> RunContextWrapper[Any]:
        """The user's own object, for the guardrails."""

    def guardrails(self) -> Sequence[OutputGuardrail[Any]]:
        """Return the guardrails of the current agent and of the run, each once."""

    def is_playing(self, item_id: str) -> bool:
        """Say whether the person hears a message, or is about to."""

    def publish(self, event: RealtimeSessionEvent) -> None:
        """Tell the application."""

    def release(self, item_id: str, content_index: int, characters: int) -> None:
        """Let what is held back of a part be heard, as far as the first `characters` characters speak."""

    def trip(
        self,
        response_id: str,
        item_id: str,
        results: Sequence[OutputGuardrailResult],
        message: str,
        *,
        late: bool = False,
        respond: bool = True,
    ) -> None:
        """Stop an answer: what is generated, what is held back and what is playing.

        Args:
            response_id: the answer.
            item_id: its message with the words that tripped.
            results: of the guardrails that tripped.
            message: what the model is told.
            late: another answer has begun meanwhile, or somebody else ended this one: only what is playing
                and what is held back of this one is thrown away, and the model is neither told nor asked.
            respond: ask the model for another answer.
        """


@dataclass(slots=True, eq=False)
class _Part:
    checks: CheckPoints
    checking: bool = False


@dataclass(slots=True, eq=False)
class _Answer:
    response_id: str
    agent: RealtimeAgent[Any]
    guardrails: tuple[OutputGuardrail[Any], ...]
    parts: dict[tuple[str, int], _Part] = field(default_factory=dict)
    finished: bool = False
    taken_over: bool = False
    tripped: bool = False
    unheard: bool = False

    @property
    def settled(self) -> bool:
        """Whether nothing of it is to be checked any more."""
        return self.finished and not any(part.checking for part in self.parts.values())


class OutputGuard:
    """Runs the output guardrails of one session.

    The words of each part of an answer are checked as a whole each time they grow past a multiple of
    `debounce_text_length`, and once more at their end; with hold-back also at the end of each sentence, so
    that what is held back is not held for long. All guardrails run side by side, and the first that trips is
    enough; of one part one check runs at a time, and the next one takes the newest words. Of an answer the
    first trip counts.

    Where neither agent nor run has a guardrail nothing is checked, and what is held back is released as it
    comes.

    Args:
        port: the session.
        settings: when to check, and what a guardrail that fails means.
    """

    def __init__(self, port: GuardPort, settings: GuardrailSettings) -> None:
        self._port = port
        self._settings = settings
        self._answers: dict[str, _Answer] = {}
        self._newest = ""
        self._trips = 0
        self._tasks = Tasks()

    def began(self, response_id: str, agent: RealtimeAgent[Any], *, aside: bool = False) -> None:
        """Watch an answer from its beginning.

        Args:
            response_id: the answer.
            agent: whose it is.
            aside: it is out of band, and takes the place of no other.
        """
        if not aside:
            self._newest = response_id
        guardrails = tuple(self._port.guardrails())
        if guardrails or self._settings.hold_back:
            while len(self._answers) >= ANSWERS:
                del self._answers[next(iter(self._answers))]
            self._answers[response_id] = _Answer(response_id, agent, guardrails)

    def text(self, response_id: str, item_id: str, content_index: int, delta: str) -> None:
        """Take in more words of a part, spoken or written."""
        if (answer := self._answers.get(response_id)) is not None:
            self._part(answer, item_id, content_index).checks.add(delta)
            self._check(answer, item_id, content_index)

    def text_finished(self, response_id: str, item_id: str, content_index: int, text: str) -> None:
        """Take in all words of a part, at its end: its last check begins now."""
        if (answer := self._answers.get(response_id)) is not None:
            self._part(answer, item_id, content_index).checks.finish(text)
            self._check(answer, item_id, content_index)

    def finished(self, response_id: str) -> None:
        """Note that an answer is over: what was not checked yet is checked now."""
        if (answer := self._answers.get(response_id)) is not None:
            self._finish(answer)

    def ended_by_others(self, response_id: str) -> None:
        """Note that the user or the application has stopped an answer.

        It is checked to its end only if it is still being heard, or about to be.
        """
        if (answer := self._answers.get(response_id)) is not None:
            playing = any(self._port.is_playing(item_id) for item_id, _ in answer.parts)
            answer.taken_over = True
            answer.unheard = not (playing or self._settings.hold_back)
            self._finish(answer)

    def _finish(self, answer: _Answer) -> None:
        answer.finished = True
        for (item_id, content_index), part in answer.parts.items():
            part.checks.finish()
            self._check(answer, item_id, content_index)
        self._tidy(answer)

    async def aclose(self) -> None:
        """Stop every check."""
        self._answers.clear()
        await self._tasks.aclose()

    def _part(self, answer: _Answer, item_id: str, content_index: int) -> _Part:
        part = answer.parts.get((item_id, content_index))
        if part is None:
            every = self._settings.debounce_text_length if answer.guardrails else 1
            checks = CheckPoints(every, by_sentence=self._settings.hold_back and every > 0)
            part = answer.parts[item_id, content_index] = _Part(checks)
        return part

    def _check(self, answer: _Answer, item_id: str, content_index: int) -> None:
        """Begin a check if one is due and none is running."""
        part = answer.parts[item_id, content_index]
        if part.checking or answer.tripped or answer.unheard:
            return
        text = part.checks.take()
        if text is not None and not answer.guardrails:
            self._port.release(item_id, content_index, len(text))
        elif text is not None:
            part.checking = True
            work = self._run(answer, item_id, content_index, text)
            self._tasks.spawn(work, name=f"output guardrails of {answer.response_id}")

    async def _run(self, answer: _Answer, item_id: str, content_index: int, text: str) -> None:
        trips = self._settings.on_failure == "trip"
        runs = await until_trip(
            self._tasks,
            [partial(self._ask, answer, guardrail, text) for guardrail in answer.guardrails],
            lambda run: bool(run.tripped or (trips and run.failures)),
        )
        answer.parts[item_id, content_index].checking = False
        tripped = [result for run in runs for result in self._tripped(answer, text, run)]
        if tripped:
            self._trip(answer, item_id, text, tripped)
        elif not answer.tripped:
            if self._settings.hold_back:
                self._port.release(item_id, content_index, len(text))
            self._check(answer, item_id, content_index)
        self._tidy(answer)

    async def _ask(self, answer: _Answer, guardrail: OutputGuardrail[Any], text: str) -> OutputRun:
        return await run_output_guardrails(
            (guardrail,), self._port.context, answer.agent, text, timeout_s=self._settings.timeout_s
        )

    def _tripped(self, answer: _Answer, text: str, run: OutputRun) -> list[OutputGuardrailResult]:
        """Return the results that tripped; report the guardrails that failed."""
        results = run.tripped
        trips = self._settings.on_failure == "trip"
        for guardrail, error in run.failures:
            self._fail(guardrail_failure(guardrail, error, trips=trips))
            if trips:
                output = GuardrailFunctionOutput(error, tripwire_triggered=True)
                results.append(OutputGuardrailResult(guardrail, text, answer.agent, output))
        return results

    def _trip(
        self, answer: _Answer, item_id: str, text: str, results: Sequence[OutputGuardrailResult]
    ) -> None:
        """Stop an answer, once."""
        if answer.tripped:
            return
        answer.tripped = True
        self._port.publish(RealtimeGuardrailTripped(results, text, item_id, answer.response_id))
        wanted = self._settings.message
        message = feedback_text(wanted, results, output_feedback, self._fail)
        late = answer.taken_over or answer.response_id != self._newest
        if not late:
            self._trips += 1
            respond = self._trips < TRIPS_IN_A_ROW
            self._port.trip(answer.response_id, item_id, results, message, respond=respond)
            if not respond:
                self._give_up()
        elif self._settings.hold_back or self._port.is_playing(item_id):
            self._port.trip(answer.response_id, item_id, results, message, late=True)

    def _give_up(self) -> None:
        self._trips = 0
        reason = "the model is not asked again until the user speaks"
        self._fail(GuardrailError(f"guardrails stopped {TRIPS_IN_A_ROW} answers in a row; {reason}"))

    def _fail(self, error: Exception) -> None:
        self._port.publish(RealtimeError(error))

    def _tidy(self, answer: _Answer) -> None:
        """Forget an answer of which nothing is left to check."""
        if answer.settled and self._answers.get(answer.response_id) is answer:
            del self._answers[answer.response_id]
            if answer.parts and not answer.tripped and not answer.taken_over:
                self._trips = 0
