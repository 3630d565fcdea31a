"""How calls and times are written, for the terminal, the transcript and the picture alike. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from vivavoce.cli.demo.timeline import Timeline, Turn

STAGES = {
    "end_of_turn": "end of\nturn",
    "transcript": "transcript",
    "first_token": "first\ntoken",
    "tools": "tools",
    "first_audio": "first\naudio",
}
"""Stages of a turn and their headings, in order; narrow, for a terminal of 80 columns."""


def shortened(text: str, most: int) -> str:
    """Return a text, or its beginning and an ellipsis."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def call_text(name: str, arguments: str) -> str:
    """Return a tool call as one would write it: `get_weather(city="London")`."""
    try:
        given = json.loads(arguments)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return f"{name}({arguments})"
    return f"{name}({', '.join(f'{key}={json.dumps(value)}' for key, value in given.items())})"


def clock(seconds: float) -> str:
    """Return a time in the call: ` 3.9 s`."""
    return f"{seconds:5.1f} s"


def transcript(timeline: Timeline) -> str:
    """Return both sides of the call as text, what was heard of each, with times."""
    lines: list[tuple[float, str, str]] = []
    for turn in timeline.turns:
        lines.append((turn.voiced.start, "Caller", turn.heard))
        lines += [
            (tool.span.start, "Tool", f"{call_text(tool.name, tool.arguments)} -> {tool.output}")
            for tool in turn.tools
        ]
        for answer in turn.answers:
            lines.append((answer.voiced.start, "Agent", answer.text))
            if answer.cut is not None:
                lines.append((answer.cut, "", "(the agent was interrupted here)"))
    return "".join(f"{clock(at)}  {who:<6}  {text}\n" for at, who, text in sorted(lines, key=lambda x: x[0]))


def stage_row(turn: Turn) -> Sequence[str]:
    """Return one turn's stage times in ms, in the order of `STAGES`; a dash for what there was not."""
    return [f"{turn.stages[stage]:.0f}" if stage in turn.stages else "–" for stage in STAGES]
