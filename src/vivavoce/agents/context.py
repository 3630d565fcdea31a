"""What instructions, tools, guardrails and hooks receive about the session they run in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from vivavoce import protocol
from vivavoce.agents.usage import Usage

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from vivavoce.agents.base import AgentBase
    from vivavoce.protocol import Item

    TContext = TypeVar("TContext", default=Any)
else:
    # Only type checkers have use for the default, which `typing` knows from Python 3.13 on.
    from typing import TypeVar

    TContext = TypeVar("TContext")


@dataclass(slots=True)
class RunContextWrapper(Generic[TContext]):
    """The user's own object, with what the session knows beside it.

    Attributes:
        context: the object given to the runner as ``context=…``, or ``None``; never sent to a model.
        usage: tokens of the session so far.
    """

    context: TContext
    usage: Usage = field(default_factory=Usage)


@dataclass(slots=True)
class ToolContext(RunContextWrapper[TContext]):
    """A `RunContextWrapper` for one call of one tool.

    Attributes:
        call_id: the model's id of this call.
        tool_name: name by which the model called.
        arguments: the JSON text that the model sent.
        agent: the agent that holds the tool.
        history: the conversation up to this call; later items do not appear in it.
        say: in a voice session a coroutine function ``(text)``: has the agent say something while the tool
            runs; ``None`` elsewhere.
    """

    call_id: str = ""
    tool_name: str = ""
    arguments: str = "{}"
    agent: AgentBase[Any] | None = None
    history: tuple[Item, ...] = ()
    say: Callable[[str], Awaitable[None]] | None = None

    @property
    def tool_call_id(self) -> str:
        """The model's id of this call; the same as `call_id`."""
        return self.call_id

    @property
    def tool_arguments(self) -> str:
        """The JSON text that the model sent; the same as `arguments`."""
        return self.arguments

    def history_json(self) -> list[dict[str, Any]]:
        """Return `history` in its JSON form, for example as input of a text agent."""
        return [protocol.to_builtins(item) for item in self.history]
