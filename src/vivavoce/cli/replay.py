"""`vivavoce replay`: a recorded session again, with an agent and without a model."""

from __future__ import annotations

import asyncio
import importlib
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from vivavoce.agents import RealtimeAgent
    from vivavoce.connections.replay import ReplayRealtimeModel
    from vivavoce.protocol import Item

__all__ = ["EXIT_DIFFERENT", "SUMMARY", "add_arguments", "run"]

SUMMARY = "run a recorded session again, without a model"

EXIT_DIFFERENT = 1
"""Exit code when the agent did otherwise than in the recording."""

_EPILOG = """\
exit codes:
  0   the agent did the same as in the recording (or none was given)
  1   it did something else: see the list of differences
  2   the recording or the agent could not be used

examples:
  vivavoce replay call.jsonl
      show the conversation of a recording
  vivavoce replay call.jsonl --agent my_app.agents:front_desk --fast
      let the agent of a program act on the recorded events, as fast as it can
  vivavoce replay call.jsonl --agent my_app.agents:front_desk --ignore session.update
      after its instructions were changed on purpose

making a recording:
  recorder = SessionRecorder("call")
  async with recorder, await runner.run(observers=[recorder]) as session: ...
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vivavoce replay`."""
    parser.description = (
        "Deliver the recorded events of a model to an agent, in their order, and tell what it does otherwise "
        "than in the recording: its settings, what its tools return, what it asks for. No model is needed "
        "and no key. The agent's tools really run again, with whatever they do."
    )
    parser.epilog = _EPILOG
    parser.add_argument("recording", type=Path, help="the events of a recording (call.jsonl)")
    parser.add_argument(
        "--agent",
        metavar="MODULE:NAME",
        help="a RealtimeAgent, or a function without arguments that returns one; modules are looked for in "
        "the current folder too. Without it the conversation is only shown",
    )
    parser.add_argument(
        "--config",
        metavar="MODULE:NAME",
        help="the configuration with which its runner is made, a dictionary (default: none)",
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--speed", type=float, default=1.0, metavar="N", help="times the recorded pace (default: %(default)g)"
    )
    pace.add_argument("--fast", action="store_true", help="do not wait at all between events")
    parser.add_argument(
        "--patience",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="time for the agent to do what it did in the recording (default: %(default)g)",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="KIND",
        help="what may differ: session.update, function_call_output, response.create or system_message; may "
        "be given several times",
    )
    parser.add_argument(
        "--approve",
        action="store_true",
        help="approve calls of tools that need it (default: reject them, which is a difference)",
    )


def run(args: argparse.Namespace) -> int:
    """Replay and report."""
    from vivavoce.connections.replay import ReplayRealtimeModel
    from vivavoce.connections.replay_script import KINDS
    from vivavoce.observe.recording import read_recording

    recording = read_recording(args.recording)
    if args.agent is None:
        agent, config, patience, ignore = _nobody(), None, 0.0, list(KINDS)
    else:
        agent, config = _agent(args.agent), _config(args.config)
        patience, ignore = args.patience, args.ignore
    speed = math.inf if args.fast or args.agent is None else args.speed
    model = ReplayRealtimeModel(recording, speed=speed, patience_s=patience, ignore=ignore)
    if not recording.complete:
        sys.stderr.write(f"vivavoce: {args.recording} breaks off: its last line is left out\n")
    asyncio.run(_replay(model, agent, config, approve=args.approve))
    return _report(model) if args.agent is not None else 0


async def _replay(
    model: ReplayRealtimeModel, agent: RealtimeAgent[Any], config: Mapping[str, Any] | None, *, approve: bool
) -> None:
    from vivavoce.session import RealtimeRunner

    runner = RealtimeRunner(agent, model=model, config={**(config or {}), "reconnect": False})
    session = await runner.run(model_config=model.model_config)
    transcript = Transcript()

    async def decide(event: Any) -> None:
        await (session.approve_tool_call if approve else session.reject_tool_call)(event)

    async def interrupt(form: Mapping[str, Any]) -> None:
        if form.get("type") == "response.cancel":
            await session.interrupt()

    model.on_person = interrupt
    session.on("tool_approval_required", decide)
    session.on("agent_end", lambda _: transcript.show_turns(session.history))
    async with session:
        await model.finished()
        transcript.show(session.history)


def _report(model: ReplayRealtimeModel) -> int:
    differences = model.differences
    if not differences:
        sys.stdout.write("\nThe same as in the recording.\n")
        return 0
    noun = "difference" if len(differences) == 1 else "differences"
    sys.stdout.write(f"\n{len(differences)} {noun} from the recording:\n")
    sys.stdout.writelines(f"  {difference}\n" for difference in differences)
    return EXIT_DIFFERENT


# --- what is replayed ---------------------------------------------------------------------------------------


def _nobody() -> RealtimeAgent[Any]:
    """Return an agent that does nothing: what the recorded one did stands in the recording."""
    from vivavoce.agents import RealtimeAgent

    return RealtimeAgent("recorded")


def _agent(place: str) -> RealtimeAgent[Any]:
    from vivavoce.agents import RealtimeAgent

    found = _load(place, "--agent")
    if not isinstance(found, RealtimeAgent) and callable(found):
        found = found()
    if not isinstance(found, RealtimeAgent):
        raise ConfigurationError(
            f"--agent {place} is {found!r}; it must be a RealtimeAgent or a function that returns one"
        )
    return found


def _config(place: str | None) -> Mapping[str, Any] | None:
    if place is None:
        return None
    found = _load(place, "--config")
    if not isinstance(found, dict):
        raise ConfigurationError(f"--config {place} is {found!r}; it must be a dictionary")
    return found


def _load(place: str, option: str) -> Any:
    name, _, attribute = place.partition(":")
    if not name or not attribute:
        raise ConfigurationError(
            f"{option} {place} is not of the form MODULE:NAME, as my_app.agents:front_desk"
        )
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise ConfigurationError(
            f"{option} {place} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.pop(0)
    return found


# --- what is shown ------------------------------------------------------------------------------------------


class Transcript:
    """Writes a conversation to standard output, each item once."""

    def __init__(self) -> None:
        self._shown: set[str] = set()

    def show_turns(self, history: Sequence[Item]) -> None:
        """Show what came before the person's last words: it can no longer change."""
        last = max((index for index, item in enumerate(history) if _speaker(item) == "You"), default=0)
        self.show(history[:last])

    def show(self, history: Sequence[Item]) -> None:
        """Show what was not shown yet."""
        from vivavoce.protocol import present

        for item in history:
            item_id = str(present(item.id, ""))
            if item_id not in self._shown:
                self._shown.add(item_id)
                if line := _line(item):
                    sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _speaker(item: Item) -> str:
    role = getattr(item, "role", "")
    return {"user": "You", "assistant": "Agent"}.get(role, "")


def _line(item: Item) -> str:
    from vivavoce.conversation.client_history import text_of
    from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem, MessageItem

    if isinstance(item, FunctionCallItem):
        return f"       calls {item.name}({item.arguments})"
    if isinstance(item, FunctionCallOutputItem):
        return f"       → {item.output}"
    if isinstance(item, MessageItem) and (speaker := _speaker(item)):
        words = " ".join(text for part in item.content if (text := text_of(part)))
        return f"{speaker + ':':<6} {words or '(nothing to be heard)'}"
    return ""
