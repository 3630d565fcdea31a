"""What a call leaves behind: sound, words, events, and a picture."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.cli.demo.timeline import Timeline, read_timeline
from vivavoce.cli.demo.verdict import Check, verdict
from vivavoce.cli.demo.wiretap import json_lines
from vivavoce.cli.demo.wording import transcript
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.cli.demo.call import DemoCall

CALL, TRANSCRIPT, EVENTS, TIMELINE, PICTURE = (
    "call.wav",
    "transcript.txt",
    "events.jsonl",
    "timeline.json",
    "timeline.png",
)


def open_folder(path: Path) -> Path:
    """Make the folder for the files, and make sure that it can be written.

    Raises:
        ConfigurationError: it cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {path}: {error.strerror or error}; choose another --out"
        ) from error
    return path


def timeline_of(call: DemoCall) -> Timeline:
    """Return what happened in a call, however far it got."""
    caller = call.caller
    log = call.model.log if call.model is not None else []
    started = caller.started or 0.0
    return read_timeline(caller.tape, caller.said, caller.played, log, call.history, started=started)


def keep(call: DemoCall, timeline: Timeline, folder: Path) -> list[Path]:
    """Write sound, words and events; return where they are."""
    caller = call.caller
    log = call.model.log if call.model is not None else []
    started = caller.started if caller.started is not None else (log[0].at if log else 0.0)
    files = {
        CALL: caller.tape.wav(),
        TRANSCRIPT: transcript(timeline).encode(),
        EVENTS: json_lines(log, started).encode(),
        TIMELINE: json.dumps(asdict(timeline), indent=1, ensure_ascii=False).encode(),
    }
    # The picture of an earlier call would lie beside the sound of this one.
    (folder / PICTURE).unlink(missing_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def keep_picture(
    call: DemoCall, timeline: Timeline, checks: Sequence[Check], folder: Path, *, subtitle: str
) -> Path:
    """Draw the timeline; return where it is."""
    from vivavoce.cli.demo.picture import draw

    passed = all(check.passed for check in checks)
    result = "every check passed" if passed else verdict(checks)
    path = folder / PICTURE
    path.write_bytes(
        draw(
            call.caller.tape,
            timeline,
            title="A caller and an agent, as they were heard",
            subtitle=f"vivavoce demo  ·  {subtitle}  ·  {result}",
        )
    )
    return path
