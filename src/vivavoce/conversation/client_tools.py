"""Which function calls await their outputs, and when the model may go on."""

from __future__ import annotations

from dataclasses import dataclass, field

REMEMBERED_CALLS = 1024


@dataclass(slots=True)
class _Turn:
    """The calls of one response."""

    unanswered: set[str] = field(default_factory=set)
    done: bool = False
    quiet: bool = False


class ToolLedger:
    """Every call exactly once by its `call_id`; one follow-up when a response and all its calls are over."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}
        self._calls: dict[str, str] = {}
        self._unseen: set[str] = set()

    def call(self, response_id: str, call_id: str) -> bool:
        """Note a call of a response. False: this call is known already."""
        if call_id in self._calls:
            return False
        self._calls[call_id] = response_id
        self._turns.setdefault(response_id, _Turn()).unanswered.add(call_id)
        if len(self._calls) > REMEMBERED_CALLS:
            oldest = next(iter(self._calls))
            del self._calls[oldest]
            self._unseen.discard(oldest)
        return True

    def answer(self, call_id: str) -> bool:
        """Note that the output of a call is sent. True: the model must now be asked to go on."""
        turn = self._turns.get(self._calls.get(call_id, ""))
        if turn is None or call_id not in turn.unanswered:
            return False
        turn.unanswered.discard(call_id)
        self._unseen.add(call_id)
        return self._settle(self._calls[call_id], turn)

    def interrupt(self, response_id: str | None = None) -> None:
        """Let no response be asked for after the calls that are known: the user has stopped the agent.

        Args:
            response_id: the response that was stopped; calls in it that are not known yet count, too.
        """
        if response_id is not None:
            self._turns.setdefault(response_id, _Turn())
        for turn in self._turns.values():
            turn.quiet = True

    def output_arrived(self, call_id: str) -> None:
        """Note that the server has the output of a call."""
        self._unseen.discard(call_id)

    def all_arrived(self) -> bool:
        """Return whether the server has every output that was sent."""
        return not self._unseen

    def response_done(self, response_id: str) -> bool:
        """Note that a response is over. True: the model must now be asked to go on."""
        self._unseen.clear()  # an output that has not arrived by now was refused
        turn = self._turns.get(response_id)
        if turn is None:
            return False
        turn.done = True
        return self._settle(response_id, turn)

    def _settle(self, response_id: str, turn: _Turn) -> bool:
        if turn.unanswered or not turn.done:
            return False
        del self._turns[response_id]
        return not turn.quiet
