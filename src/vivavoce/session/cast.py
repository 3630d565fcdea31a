"""`Cast`: who speaks in a session, and how the conversation passes from one agent to another."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from vivavoce.agents import RealtimeAgent, RunContextWrapper, ToolContext, is_enabled
from vivavoce.agents.limits import TookTooLongError, within
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.session.events import RealtimeError, RealtimeHandoff
from vivavoce.session.speaker import Speaker, prepare
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.agents.handoff import Handoff
    from vivavoce.conversation.client_notices import ToolCalled
    from vivavoce.protocol import Item, RealtimeSession
    from vivavoce.session.events import RealtimeSessionEvent
    from vivavoce.session.settings import RunSettings

logger = logging.getLogger(__name__)

HANDOFF_S = 60.0
"""Seconds that the function of a handoff may take."""
REMEMBERED = 64
"""Responses of which it is known who gives them."""
ALREADY = "Not done: the conversation is being passed to another agent already."


class CastPort(Protocol):
    """What the cast needs of its session."""

    @property
    def context(self) -> RunContextWrapper[Any]:
        """The user's own object, and the usage."""

    async def update(self, session: RealtimeSession, accepted: Callable[[], None]) -> None:
        """Have the server take over settings.

        Args:
            session: the settings.
            accepted: called when it has, before its next event is heard.

        Raises:
            VivavoceError: it did not.
        """

    def history(self) -> Sequence[Item]:
        """Return the conversation so far."""

    def tool_output(self, call_id: str, output: str, *, respond: bool = True) -> None:
        """Answer a call."""

    def publish(self, event: RealtimeSessionEvent) -> None:
        """Tell the application."""

    def took_over(self, source: RealtimeAgent[Any], agent: RealtimeAgent[Any]) -> None:
        """Note that another agent speaks from now on."""


class Cast:
    """The agents of one session.

    A call is for the agent whose response it is in: for who spoke when that response began, also when
    another agent has taken over meanwhile.

    Args:
        port: the session.
        settings: of the run; they go along from agent to agent.
    """

    def __init__(self, port: CastPort, settings: RunSettings) -> None:
        self._port = port
        self._settings = settings
        self._speakers: dict[str, Speaker] = {}
        self._current: Speaker | None = None
        self._passing = False
        self._passed_on = ""  # the response whose handoff was the last one
        self._changing = asyncio.Lock()
        self._tasks = Tasks()
        self.voice_fixed = False
        """Whether the user has heard a voice, which the server changes no more."""

    @property
    def speaker(self) -> Speaker:
        """Who speaks now.

        Raises:
            ConfigurationError: the session is not open yet.
        """
        if self._current is None:
            raise ConfigurationError("the session is not open yet; nobody speaks")
        return self._current

    async def begin(self, agent: RealtimeAgent[Any]) -> None:
        """Make the first agent ready.

        Raises:
            ConfigurationError: the agent and the settings do not go together.
            Exception: what a function of the agent raised, or an MCP server that could not be asked.
        """
        self._current = await prepare(agent, self._settings, self._port.context)

    async def change(self, agent: RealtimeAgent[Any]) -> None:
        """Let another agent speak from now on. The one before stays if the server does not accept it.

        Raises:
            ConfigurationError: the agent and the settings do not go together, or the server refused them.
            ConnectionLostError: the server could not be told.
            Exception: what a function of the agent raised, or an MCP server that could not be asked.
        """
        async with self._changing:
            await self._change(agent)

    async def _change(self, agent: RealtimeAgent[Any]) -> None:
        if not isinstance(agent, RealtimeAgent):
            raise ConfigurationError(f"a session is led by a RealtimeAgent, got {agent!r}")
        before = self.speaker
        work = prepare(
            agent,
            self._settings,
            self._port.context,
            replaces=before.session,
            voice_fixed=self.voice_fixed,
        )
        try:
            after = await within(HANDOFF_S, work)
        except TookTooLongError as error:
            raise ConfigurationError(f"agent {agent.name!r} could not be made ready: {error}") from error
        if self.voice_fixed and agent.voice not in {None, before.agent.voice}:
            logger.warning("The voice of the session is fixed since its first audio: an agent keeps it")

        def accepted() -> None:
            self._current = after
            self._port.publish(RealtimeHandoff(before.agent, agent))
            self._port.took_over(before.agent, agent)

        await self._port.update(after.session, accepted)

    # --- responses and their calls ------------------------------------------------------------------------

    def response_began(self, response_id: str) -> None:
        """Remember who gives a response."""
        self._speakers[response_id] = self.speaker
        if len(self._speakers) > REMEMBERED:
            del self._speakers[next(iter(self._speakers))]

    def speaker_of(self, response_id: str) -> Speaker:
        """Return who gives, or gave, a response."""
        return self._speakers.get(response_id, self.speaker)

    def hand_off(self, call: ToolCalled, speaker: Speaker) -> bool:
        """Pass the conversation on if a call is a handoff; it answers by itself. False: it is none."""
        handoff = speaker.handoffs.get(call.name)
        if handoff is None:
            return False
        if self._passing or call.response_id == self._passed_on:
            self._port.tool_output(call.call_id, ALREADY)
        else:
            self._passing = True
            self._tasks.spawn(self._pass_on(call, handoff, speaker), name=f"handoff {call.name}")
        return True

    async def _pass_on(self, call: ToolCalled, handoff: Handoff[Any], speaker: Speaker) -> None:
        context = ToolContext(
            self._port.context.context,
            self._port.context.usage,
            call_id=call.call_id,
            tool_name=call.name,
            arguments=call.arguments,
            agent=speaker.agent,
            history=tuple(self._port.history()),
        )
        try:
            if not await is_enabled(handoff, context, speaker.agent):
                raise ToolError(  # noqa: TRY301  # told to the model like any other failure
                    f"handoff {call.name!r} is not available now", tool_name=call.name
                )
            agent = await within(HANDOFF_S, handoff.on_invoke_handoff(context, call.arguments))
            if not isinstance(agent, RealtimeAgent):
                raise ConfigurationError(  # noqa: TRY301  # told to the model like any other failure
                    f"handoff {call.name!r} must lead to a RealtimeAgent, got {agent!r}"
                )
            await self.change(agent)
            self._passed_on = call.response_id
            output = handoff.get_transfer_message(agent)
        except Exception as error:  # noqa: BLE001  # whatever goes wrong, the model gets an output
            output = self._failed(call, error)
        finally:
            self._passing = False
        self._port.tool_output(call.call_id, output)

    def _failed(self, call: ToolCalled, error: Exception) -> str:
        failure = ToolError(
            f"handoff {call.name!r} failed: {str(error) or type(error).__name__}",
            tool_name=call.name,
            call_id=call.call_id,
        )
        failure.__cause__ = error
        self._port.publish(RealtimeError(failure))
        if isinstance(error, ToolError):
            return str(error)
        return "The conversation could not be passed on. Go on by yourself."

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._tasks.aclose()
