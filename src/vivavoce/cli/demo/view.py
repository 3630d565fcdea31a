"""The terminal: the call while it goes on, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from rich import box
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vivavoce.cli.demo.scene import Line, Scene
from vivavoce.cli.demo.verdict import Check, verdict
from vivavoce.cli.demo.wording import STAGES, clock, shortened, stage_row
from vivavoce.protocol import InputAudioBufferSpeechStarted
from vivavoce.session.events import (
    RealtimeAudioInterrupted,
    RealtimeError,
    RealtimeHistoryUpdated,
    RealtimeSessionEvent,
)

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType

    from vivavoce import RealtimeSession
    from vivavoce.cli.demo.timeline import Timeline
    from vivavoce.testing import SimulatedCaller

STYLES = {"caller": "bold cyan", "agent": "bold yellow", "tool": "bold magenta"}
TOOL_OUTPUT = 90
EVENTS = ("history_updated", "input_audio_buffer.speech_started", "audio_interrupted", "error")


class CallView:
    """Shows a call. A terminal sees the words appear; a file or pipe gets each line when it is complete.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._scene = Scene()
        self._live: Live | None = None

    async def watch(self, session: RealtimeSession, caller: SimulatedCaller) -> None:
        """Show the session until cancelled."""
        loop = asyncio.get_running_loop()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        with self._live if self._console.is_terminal else nullcontext():
            try:
                async for event in session.events(*EVENTS):
                    self._take(event, _seconds_of(caller, loop.time()))
                    self._show()
            finally:
                self._scene.update(session.history, _seconds_of(caller, loop.time()))
                self._show(all_of_it=True)

    def _take(self, event: RealtimeSessionEvent, at: float) -> None:
        match event:
            case RealtimeHistoryUpdated():
                self._scene.update(event.history, at)
            case InputAudioBufferSpeechStarted():
                self._scene.spoke(event.item_id, at)
            case RealtimeAudioInterrupted():
                self._scene.interrupted(event.item_id, event.heard_ms)
            case RealtimeError():
                message = getattr(event.error, "message", None) or str(event.error)
                self._console.print(Text(f"{clock(at)}  error: {message}", "red"))

    def _show(self, *, all_of_it: bool = False) -> None:
        finished = self._scene.finished(all_of_it=all_of_it)
        if self._live is not None and self._console.is_terminal:
            self._live.update(_rows(self._scene.growing()), refresh=True)
        if finished:
            self._console.print(_rows(finished))


def _seconds_of(caller: SimulatedCaller, now: float) -> float:
    return 0.0 if caller.started is None else now - caller.started


def _rows(lines: Iterable[Line]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True, width=8)
    table.add_column(no_wrap=True, width=6)
    table.add_column()
    for line in lines:
        text = Text(line.text, "italic" if line.speaker == "tool" else "")
        if line.note:
            tool = line.speaker == "tool"
            note = f"  → {shortened(line.note, TOOL_OUTPUT)}" if tool else f"  ✂ {line.note}"
            text.append(note, "dim" if tool else "bold red")
        table.add_row(Text(clock(line.at), "dim"), Text(line.speaker, STYLES[line.speaker]), text)
    return table


def show_stages(console: Console, timeline: Timeline) -> None:
    """Print how long each stage of each turn took."""
    console.print("From the caller's last sound to the agent's first, in ms:")
    table = Table(box=box.SIMPLE, pad_edge=False, header_style="dim")
    table.add_column("turn", no_wrap=True, overflow="ellipsis", max_width=22)
    for heading in STAGES.values():
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("heard\ngap", justify="right", no_wrap=True, style="bold")
    for number, turn in enumerate(timeline.turns, 1):
        gap = f"{turn.gap_ms:.0f}" if turn.gap_ms is not None else "–"
        table.add_row(f"{number} {turn.heard or turn.said}", *stage_row(turn), gap)
    console.print(table)


def show_result(console: Console, checks: Sequence[Check], files: Sequence[Path]) -> None:
    """Print the checks, the files and the verdict."""
    for check in checks:
        mark, style = ("✓", "green") if check.passed else ("✗", "bold red")
        console.print(Text.assemble((f" {mark} ", style), check.name, (f": {check.measured}", "dim")))
    console.print()
    show_files(console, files)
    passed = all(check.passed for check in checks)
    console.print(Text(verdict(checks), "bold green" if passed else "bold red"))


def show_files(console: Console, files: Sequence[Path]) -> None:
    """Print where everything is."""
    for path in files:
        console.print(Text(f"   {path}"), soft_wrap=True)
    console.print()
