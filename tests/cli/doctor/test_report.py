from __future__ import annotations

import io
import json
from dataclasses import replace

from vivavoce.cli.doctor.engines import Trial
from vivavoce.cli.doctor.findings import Choice, Extra, Findings, Key
from vivavoce.cli.doctor.report import as_json, report_lines, show


class Terminal(io.StringIO):
    """Takes colours."""

    def isatty(self) -> bool:
        return True


def findings(*, works: bool = True) -> Findings:
    return Findings(
        vivavoce="1.2.3",
        python="3.12.0",
        system="Linux x86_64, 2 cores",
        packages={"numpy": "2.0"},
        extras=[Extra("local", "listen", {"pocketsphinx": "5.0"}), Extra("cli", "demo", {"rich": None})],
        engines=[Trial("text to speech", "espeak-ng", works=works, seconds=0.0182, detail="said 'Hello.'")],
        keys=[Key("OPENAI_API_KEY", "agents on OpenAI", present=True)],
        advice=[("vivavoce demo", "hear it")],
    )


def test_the_report_says_what_there_is_what_works_and_what_to_do() -> None:
    text = "\n".join(report_lines(findings()))
    assert text.startswith("vivavoce 1.2.3 on Python 3.12.0, Linux x86_64, 2 cores\n")
    assert "  ✓ text to speech  espeak-ng           18 ms  said 'Hello.'" in text
    assert "✓ [local]         pocketsphinx 5.0" in text
    assert "– [cli]           rich missing" in text
    assert "✓ OPENAI_API_KEY        set      agents on OpenAI" in text
    assert "    vivavoce demo  # hear it" in text
    assert text.endswith("The built-in engines work.")


def test_engines_to_choose_from_are_listed_with_what_they_need() -> None:
    choices = [
        Choice("stt:transcriptions", "any endpoint", "base_url", (), None),
        Choice("tts:piper", "Piper voices", "voices", ("piper",), "pip install 'vivavoce[piper]'"),
        Choice("tts:parrot", "of parrot", "", ("beak",), None),
        Choice("llm:builtin", "a stand-in", "", (), None),
    ]
    lines = list(report_lines(replace(findings(), choices=choices)))
    start = lines.index("Engines to choose from:")
    assert lines[start + 1 : start + 5] == [
        "  ✓ stt:transcriptions     any endpoint; needs base_url",
        "  – tts:piper              Piper voices; pip install 'vivavoce[piper]'",
        "  – tts:parrot             of parrot; missing: beak",
        "  ✓ llm:builtin            a stand-in",
    ]
    assert "Engines to choose from:" not in list(report_lines(findings()))


def test_a_broken_engine_is_marked() -> None:
    text = "\n".join(report_lines(findings(works=False)))
    assert "  ✗ text to speech" in text
    assert text.endswith("The built-in engines do not all work.")


def test_a_file_gets_plain_words_and_a_terminal_colours() -> None:
    plain, coloured = io.StringIO(), Terminal()
    show(findings(), plain)
    show(findings(), coloured)
    assert plain.getvalue() == "".join(f"{line}\n" for line in report_lines(findings()))
    assert "\x1b[" in coloured.getvalue()
    assert "\x1b[" not in plain.getvalue()


def test_json_holds_the_same() -> None:
    form = json.loads(as_json(findings(works=False)))
    assert form["ok"] is False
    assert form["engines"][0]["engine"] == "espeak-ng"
    assert form["extras"][1] == {
        "name": "cli",
        "purpose": "demo",
        "packages": {"rich": None},
        "installed": False,
    }
    assert form["keys"] == [{"name": "OPENAI_API_KEY", "purpose": "agents on OpenAI", "present": True}]
    assert form["advice"] == [{"run": "vivavoce demo", "for": "hear it"}]
