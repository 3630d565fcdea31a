"""Checks what the user says before it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from vivavoce.agents.guarding import GuardrailRun, run_input_guardrails
from vivavoce.agents.guardrails import GuardrailFunctionOutput, InputGuardrail, InputGuardrailResult
from vivavoce.conversation.user_turns import UserTurns, Verdict
from vivavoce.errors import GuardrailError
from vivavoce.session.events import RealtimeError, RealtimeInputGuardrailTripped
from vivavoce.session.first_trip import until_trip
from vivavoce.session.guardrail_messages import feedback_text, guardrail_failure, input_feedback
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from vivavoce.agents import RealtimeAgent, RunContextWrapper
    from vivavoce.session.events import RealtimeSessionEvent
    from vivavoce.session.run_settings import InputGuardrailSettings

InputRun: TypeAlias = GuardrailRun[InputGuardrail[Any], InputGuardrailResult]

TURNS = 64
"""Turns that may be checked at the same time; beyond them a turn counts as one whose guardrails failed."""


class InputGuardPort(Protocol):
    """What the guard needs of its session."""

    @property
    def agent(self) -> RealtimeAgent[Any]:
        """The agent that would answer."""

    @property
    def context(self) -> RunContextWrapper[Any]:
        """The user's own object, for the guardrails."""

    def input_guardrails(self) -> Sequence[InputGuardrail[Any]]:
        """Return the guardrails of the current agent and of the run, each once."""

    def publish(self, event: RealtimeSessionEvent) -> None:
        """Tell the application."""

    def refuse(self, item_id: str, message: str, *, delete: bool) -> None:
        """Tell the model in a system message what it should not answer, and delete the item if so wished."""

    def respond(self) -> None:
        """Ask the model for an answer."""


class InputGuard:
    """Runs the input guardrails of one session, and asks for the answers that the server is told not to give.

    All guardrails run side by side on each transcript and each message, and the first that trips is enough.
    An answer is asked for when no turn is being spoken or checked any more: one for all turns since the last,
    if the newest passes, or if the agent is to decline what tripped. Speech is answered unchecked where no
    transcript comes in time: silence would be worse.

    Args:
        port: the session.
        settings: time limits, and what happens to what tripped.
    """

    def __init__(self, port: InputGuardPort, settings: InputGuardrailSettings) -> None:
        self._port = port
        self._settings = settings
        self._turns = UserTurns()
        self._checking = 0
        self._speech = ""  # the item that is being spoken
        self._transcripts: dict[str, asyncio.Future[str | None]] = {}
        self._tasks = Tasks()

    def speaking(self, item_id: str) -> None:
        """Note that the user begins to speak: nothing is answered until it is known what they say."""
        self._turns.began(item_id)
        if item_id != self._speech:
            self._forget_speech()
            self._speech = item_id

    def discarded(self, item_id: str) -> None:
        """Note that a turn came to nothing: the buffer was cleared, or the item deleted."""
        self._act(self._turns.removed(item_id))
        self._tell(item_id, "")

    def reset(self) -> None:
        """Note that the connection was lost: nothing more is heard of what was being said."""
        self._forget_speech()
        for item_id in self._transcripts:
            self._tell(item_id, None)

    def committed(self, item_id: str) -> None:
        """Note that the user has spoken; the transcript is awaited from now on."""
        if self._speech == item_id:
            self._speech = ""
        if item_id not in self._transcripts and self._begin(item_id):
            self._transcripts[item_id] = asyncio.get_running_loop().create_future()
            self._tasks.spawn(self._hear(item_id), name=f"input guardrails of {item_id}")

    def transcribed(self, item_id: str, transcript: str) -> None:
        """Take in what the user said."""
        self._tell(item_id, transcript)

    def transcription_failed(self, item_id: str) -> None:
        """Note that nobody knows what the user said."""
        self._tell(item_id, None)

    def wrote(self, item_id: str, text: str) -> None:
        """Take in a message of the user in writing."""
        if self._begin(item_id, text):
            self._tasks.spawn(self._read(item_id, text), name=f"input guardrails of {item_id}")

    async def aclose(self) -> None:
        """Stop every check."""
        await self._tasks.aclose()

    def _forget_speech(self) -> None:
        """Wait no longer for speech that was begun and never ended."""
        speech, self._speech = self._speech, ""
        if speech:
            self._act(self._turns.removed(speech))

    def _begin(self, item_id: str, text: str = "") -> bool:
        """Begin a turn; return whether it is to be checked, which takes guardrails and room."""
        self._turns.began(item_id)
        guarded = bool(self._port.input_guardrails())
        if guarded and self._checking < TURNS:
            self._checking += 1
            return True
        refused = guarded and self._settings.on_failure == "trip"
        if guarded:
            self._fail(GuardrailError(f"{item_id!r} was not checked: {TURNS} turns are being checked"))
        if refused:
            self._refuse(item_id, text, ())
        self._judge(item_id, "tripped" if refused else "passed")
        return False

    def _tell(self, item_id: str, text: str | None) -> None:
        transcript = self._transcripts.get(item_id)
        if transcript is not None and not transcript.done():
            transcript.set_result(text)

    async def _hear(self, item_id: str) -> None:
        seconds = self._settings.transcript_timeout_s
        try:
            async with asyncio.timeout(seconds):
                text = await self._transcripts[item_id]
        except TimeoutError:
            text = None
            self._fail(GuardrailError(f"{item_id!r} was not checked: no transcript came in {seconds:g} s"))
        else:
            if text is None:
                self._fail(GuardrailError(f"{item_id!r} was not checked: its transcription failed"))
        finally:
            del self._transcripts[item_id]
        await self._read(item_id, text or "")

    async def _read(self, item_id: str, text: str) -> None:
        """Check what the user said or wrote; nothing said is nothing to check."""
        tripped = await self._tripped(text) if text.strip() else []
        self._checking -= 1
        if tripped:
            self._refuse(item_id, text, tripped)
        self._judge(item_id, "tripped" if tripped else "passed")

    async def _tripped(self, text: str) -> list[InputGuardrailResult]:
        """Return the results that tripped; report the guardrails that failed."""
        trips = self._settings.on_failure == "trip"
        runs = await until_trip(
            self._tasks,
            [partial(self._ask, guardrail, text) for guardrail in self._port.input_guardrails()],
            lambda run: bool(run.tripped or (trips and run.failures)),
        )
        results = [result for run in runs for result in run.tripped]
        for guardrail, error in (failure for run in runs for failure in run.failures):
            self._fail(guardrail_failure(guardrail, error, trips=trips))
            if trips:
                output = GuardrailFunctionOutput(error, tripwire_triggered=True)
                results.append(InputGuardrailResult(guardrail, output))
        return results

    async def _ask(self, guardrail: InputGuardrail[Any], text: str) -> InputRun:
        port = self._port
        return await run_input_guardrails(
            (guardrail,), port.context, port.agent, text, timeout_s=self._settings.timeout_s
        )

    def _refuse(self, item_id: str, text: str, results: Sequence[InputGuardrailResult]) -> None:
        self._port.publish(RealtimeInputGuardrailTripped(results, text, item_id))
        message = feedback_text(self._settings.message, results, input_feedback, self._fail)
        self._port.refuse(item_id, message, delete=self._settings.delete_item)

    def _judge(self, item_id: str, verdict: Verdict) -> None:
        self._act(self._turns.judged(item_id, verdict))

    def _act(self, decision: Verdict | None) -> None:
        if decision == "passed" or (decision == "tripped" and self._settings.respond):
            self._port.respond()

    def _fail(self, error: Exception) -> None:
        self._port.publish(RealtimeError(error))
