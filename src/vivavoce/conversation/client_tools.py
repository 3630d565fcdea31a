"""Which function calls await their outputs, and when the model may go on."""

from __future__ import annotations

from dataclasses import dataclass, field

from vivavoce.conversation.client_notices import ToolCalled
from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem, Item, present

REMEMBERED_CALLS = 1024
CALL_ID_LENGTH = 32
"""Longest `call_id` made here; ids of the Realtime API are no longer."""


@dataclass(slots=True)
class _Turn:
    """The calls of one response."""

    unanswered: set[str] = field(default_factory=set)
    done: bool = False
    quiet: bool = False
    wanted: bool = False


class ToolLedger:
    """Every call exactly once by its `call_id`; one follow-up when a response and all its calls are over.

    There is a follow-up if one of the outputs asks for it. A call that waits for somebody's approval holds up
    nobody: from then on it is a turn of its own, with a follow-up of its own.
    """

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}
        self._calls: dict[str, str] = {}
        self._waiting: dict[str, bool] = {}  # waiting call -> whether nothing is to follow it
        self._unseen: set[str] = set()
        self._late: list[Item] = []

    def call(self, response_id: str, call_id: str) -> bool:
        """Note a call of a response. False: this call is known already."""
        if call_id in self._calls or call_id in self._waiting:
            return False
        self._calls[call_id] = response_id
        self._turns.setdefault(response_id, _Turn()).unanswered.add(call_id)
        if len(self._calls) > REMEMBERED_CALLS:
            oldest = next(iter(self._calls))
            self._forget(oldest, self._calls.pop(oldest))
        return True

    def take(self, response_id: str, item: FunctionCallItem) -> list[ToolCalled]:
        """Note a call as its item has it; returns what is to be run: nothing if it is known already."""
        item_id = present(item.id, "")
        call_id = present(item.call_id, item_id)
        if not self.call(response_id, call_id):
            return []
        return [ToolCalled(call_id, item.name, item.arguments, item_id, response_id)]

    def _forget(self, call_id: str, response_id: str) -> None:
        """Expect nothing more of an old call, nor of its response if that began no later one."""
        self._unseen.discard(call_id)
        if response_id not in self._calls.values():
            self._turns.pop(response_id, None)
        elif response_id in self._turns:
            self._turns[response_id].unanswered.discard(call_id)

    def answer(self, call_id: str, *, respond: bool = True) -> bool:
        """Note that the output of a call is sent. True: the model must now be asked to go on.

        Args:
            call_id: the call.
            respond: the model is to speak about this output.
        """
        quiet = self._waiting.pop(call_id, None)
        if quiet is not None:
            self._unseen.add(call_id)
            return respond and not quiet
        turn = self._turns.get(self._calls.get(call_id, ""))
        if turn is None or call_id not in turn.unanswered:
            return False
        turn.unanswered.discard(call_id)
        turn.wanted = turn.wanted or respond
        self._unseen.add(call_id)
        return self._settle(self._calls[call_id], turn)

    def waits(self, call_id: str) -> bool:
        """Let nothing wait for a call: somebody must approve it first.

        Whoever runs the tools bounds how many calls wait.

        Returns:
            Whether the model must now be asked to go on: the other calls of its response are all answered.
        """
        turn = self._turns.get(self._calls.get(call_id, ""))
        if turn is None or call_id not in turn.unanswered:
            return False
        turn.unanswered.discard(call_id)
        self._waiting[call_id] = turn.quiet
        return self._settle(self._calls[call_id], turn)

    def decided(self, call_id: str) -> None:
        """Note that somebody has decided on a call that waits: what was stopped before no longer counts."""
        if call_id in self._waiting:
            self._waiting[call_id] = False

    def late(self, call: ToolCalled, output: str, *, held: bool = False) -> tuple[Item, ...]:
        """Return the items that give the model the result of a call which has an output already.

        An output cannot be sent twice, and what a tool returns must not speak with the authority of a system
        message: so it is the output of a second call with the same arguments.

        Args:
            call: the call as the model made it.
            output: its result.
            held: return nothing now; `take_late` does when the model may speak. In the midst of what the user
                says it would pass for something that was dealt with before.
        """
        call_id = f"late_{call.call_id[5 - CALL_ID_LENGTH :]}"
        self._unseen.add(call_id)
        items = (
            FunctionCallItem(call_id=call_id, name=call.name, arguments=call.arguments),
            FunctionCallOutputItem(call_id=call_id, output=output),
        )
        if not held:
            return items
        self._late.extend(items)
        return ()

    def take_late(self) -> list[Item]:
        """Return the results that were held, in order, and forget them."""
        late, self._late = self._late, []
        return late

    def interrupt(self, response_id: str | None = None) -> None:
        """Let no response be asked for after the calls that are known: the user has stopped the agent.

        Args:
            response_id: the response that was stopped; calls in it that are not known yet count, too.
        """
        if response_id is not None:
            self._turns.setdefault(response_id, _Turn())
        for turn in self._turns.values():
            turn.quiet = True
        self._waiting = dict.fromkeys(self._waiting, True)

    def output_arrived(self, call_id: str) -> bool:
        """Note that the server has the output of a call, which another client may have given.

        Returns:
            Whether the model must now be asked to go on: for outputs that were given here before.
        """
        goes_on = self.answer(call_id, respond=False)
        self._unseen.discard(call_id)
        return goes_on

    def all_arrived(self) -> bool:
        """Return whether the server has every output that was sent."""
        return not self._unseen

    def all_answered(self) -> bool:
        """Return whether no call waits for its output."""
        return not any(turn.unanswered for turn in self._turns.values())

    def lose_connection(self) -> bool:
        """Expect the end of no response any more. True: the model must be asked to go on."""
        self._unseen.clear()
        for turn in self._turns.values():
            turn.done = True
        settled = [self._settle(response_id, turn) for response_id, turn in list(self._turns.items())]
        return any(settled)

    def response_done(self, response_id: str) -> bool:
        """Note that a response is over. True: the model must now be asked to go on."""
        self._unseen.clear()  # an output that has not arrived by now was refused
        turn = self._turns.get(response_id)
        if turn is None:
            return bool(self._late)
        turn.done = True
        return self._settle(response_id, turn) or bool(self._late)

    def _settle(self, response_id: str, turn: _Turn) -> bool:
        if turn.unanswered or not turn.done:
            return False
        del self._turns[response_id]
        return turn.wanted and not turn.quiet
