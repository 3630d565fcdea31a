"""A picture of the call: two waveforms on one time axis, who said what, and how long the answers took."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vivavoce.cli.demo.timeline import Answer, Span, Timeline, Turn
from vivavoce.cli.demo.wording import call_text, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from vivavoce.lines import Tape

CALLER = "#1f6f8b"
AGENT = "#d97742"
TOOL = "#6a4c93"
ALARM = "#c1292e"
INK = "#22303c"
FAINT = "#8a949e"
LINE = "#d9dee3"

INCHES_PER_SECOND = 0.62
HEIGHT = 6.4
DPI = 150
CALLER_Y, AGENT_Y = 1.0, -1.0
LANE = 0.60
BOX = 0.70
GAP_Y, TOOL_Y = 0.14, -0.14
WORD_SIZE = 9.5
CHARACTERS_PER_INCH = 14.2  # of the font at that size
COLUMNS_PER_SECOND = 220


def draw(tape: Tape, timeline: Timeline, *, title: str, subtitle: str) -> bytes:
    """Return the picture as PNG; arguments as for `compose`."""
    buffer = io.BytesIO()
    compose(tape, timeline, title=title, subtitle=subtitle).savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def compose(tape: Tape, timeline: Timeline, *, title: str, subtitle: str) -> Figure:
    """Return the picture.

    Args:
        tape: both tracks.
        timeline: what happened on them.
        title: heading.
        subtitle: line below it.
    """
    width = max(9.0, timeline.seconds * INCHES_PER_SECOND + 1.6)
    figure = Figure(figsize=(width, HEIGHT), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((1.1 / width, 0.09, 1 - 1.5 / width, 0.73))
    figure.text(0.45 / width, 0.945, title, size=17, weight="bold", color=INK, va="center")
    figure.text(0.45 / width, 0.893, subtitle, size=10.5, color=FAINT, va="center")
    _frame(axes, timeline.seconds)
    _waveform(axes, tape.human, tape.sample_rate, CALLER_Y, CALLER)
    _waveform(axes, tape.agent, tape.sample_rate, AGENT_Y, AGENT)
    for turn in timeline.turns:
        _turn(axes, turn)
    return figure


def _frame(axes: Axes, seconds: float) -> None:
    axes.set_xlim(0, max(seconds, 1.0))
    axes.set_ylim(-2.6, 2.4)
    axes.set_yticks([CALLER_Y, AGENT_Y], ["Caller", "Agent"], size=12, weight="bold")
    for label, colour in zip(axes.get_yticklabels(), (CALLER, AGENT), strict=True):
        label.set_color(colour)
    axes.tick_params(axis="y", length=0, pad=10)
    axes.tick_params(axis="x", colors=FAINT, labelsize=9, length=3)
    axes.set_xticks(
        range(0, int(seconds) + 1, 2), [f"{second} s" for second in range(0, int(seconds) + 1, 2)]
    )
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.xaxis.grid(visible=True, color=LINE, linewidth=0.6, alpha=0.6)
    axes.set_axisbelow(True)
    for y in (CALLER_Y, AGENT_Y):
        axes.axhline(y, color=LINE, linewidth=0.8, zorder=1)


def _waveform(axes: Axes, pcm: bytes, rate: int, y: float, colour: str) -> None:
    samples: NDArray[np.float64] = np.frombuffer(pcm, "<i2") / 32768
    size = max(1, rate // COLUMNS_PER_SECOND)
    columns = samples[: len(samples) // size * size].reshape(-1, size)
    if not len(columns):
        return
    loudest = max(float(np.abs(samples).max()), 0.05)
    high, low = columns.max(axis=1) / loudest * LANE, columns.min(axis=1) / loudest * LANE
    at = (np.arange(len(columns)) + 0.5) * size / rate
    axes.fill_between(at, y + low, y + high, color=colour, linewidth=0.3, zorder=3)


def _turn(axes: Axes, turn: Turn) -> None:
    _box(axes, turn.voiced, CALLER_Y, CALLER, 0.07)
    _words(axes, turn.heard or turn.said, turn.voiced, CALLER_Y, CALLER)
    for answer in turn.answers:
        _box(axes, answer.voiced, AGENT_Y, AGENT, 0.09)
        _words(axes, _text_of(answer), answer.voiced, AGENT_Y, AGENT)
    _gap(axes, turn)
    for tool in turn.tools:
        axes.plot([tool.span.start], [TOOL_Y], marker="D", markersize=6.5, color=TOOL, zorder=6)
        text = shortened(call_text(tool.name, tool.arguments), 34)
        place: dict[str, Any] = {"ha": "right", "va": "center_baseline", "family": "monospace", "zorder": 7}
        axes.text(tool.span.start - 0.14, TOOL_Y - 0.015, text, size=8.5, color=TOOL, **place)
    if turn.interrupts is not None and turn.silenced_ms is not None:
        _interruption(axes, turn, turn.interrupts, turn.silenced_ms)


def _text_of(answer: Answer) -> str:
    return f"{answer.text.rstrip(' .,')} …" if answer.cut is not None else answer.text


def _box(axes: Axes, span: Span, y: float, colour: str, alpha: float) -> None:
    size = (span.end - span.start, 2 * BOX)
    axes.add_patch(
        Rectangle((span.start, y - BOX), *size, facecolor=colour, alpha=alpha, linewidth=0, zorder=2)
    )


def _words(axes: Axes, text: str, span: Span, y: float, colour: str) -> None:
    width = max(12, int((span.end - span.start + 0.5) * INCHES_PER_SECOND * CHARACTERS_PER_INCH))
    lines = "\n".join(textwrap.wrap(shortened(text, 150), width))
    above = y > 0
    edge = y + BOX if above else y - BOX
    axes.plot([span.start, span.end], [edge, edge], color=colour, linewidth=1.8, solid_capstyle="butt")
    place: dict[str, Any] = {"va": "bottom" if above else "top", "linespacing": 1.25}
    axes.text(span.start, edge + (0.08 if above else -0.10), lines, size=WORD_SIZE, color=INK, **place)


def _gap(axes: Axes, turn: Turn) -> None:
    if turn.gap_ms is None or turn.gap_ms <= 0:
        return
    start, end = turn.voiced.end, turn.answers[0].voiced.start
    for at, low, high in ((start, GAP_Y - 0.08, CALLER_Y - BOX), (end, AGENT_Y + BOX, GAP_Y + 0.08)):
        axes.plot([at, at], [low, high], color=FAINT, linewidth=0.9)
    arrow = {"arrowstyle": "<|-|>", "color": INK, "linewidth": 0.9, "mutation_scale": 8}
    axes.annotate("", (end, GAP_Y), (start, GAP_Y), arrowprops={**arrow, "shrinkA": 0, "shrinkB": 0})
    # Beside the caller's box, whose lower edge it would cross otherwise.
    axes.text(start + 0.10, GAP_Y + 0.09, f"{turn.gap_ms:.0f} ms", size=10.5, weight="bold", color=INK)


def _interruption(axes: Axes, turn: Turn, answer: Answer, silenced_ms: float) -> None:
    start, end = turn.voiced.start, answer.voiced.end
    dashes = (0, (4, 2))
    axes.plot(
        [start] * 2, [AGENT_Y - BOX, CALLER_Y + BOX], color=ALARM, linewidth=1.3, linestyle=dashes, zorder=5
    )
    _box(axes, Span(start, max(end, start + 0.02)), AGENT_Y, ALARM, 0.25)
    axes.text(
        max(start, end) + 0.12,
        AGENT_Y + 0.12,
        f"interrupted:\nsilent after {silenced_ms:.0f} ms",
        size=9.5,
        color=ALARM,
        weight="bold",
        linespacing=1.25,
    )
