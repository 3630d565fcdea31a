"""`vivavoce doctor`: what is installed, what works, and what to do about the rest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = ["EXIT_UNWELL", "SUMMARY", "add_arguments", "run"]

SUMMARY = "say what is installed, try the built-in engines, and name what is missing"

EXIT_UNWELL = 1
"""Exit code when a built-in engine does not work."""

_EPILOG = """\
examples:
  vivavoce doctor
      try everything that needs no network
  vivavoce doctor --json | jq .ok
      the same for a program

exit code: 0 the built-in engines work, 1 one of them does not
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vivavoce doctor`."""
    parser.description = (
        "Tries the built-in engines, each for itself: hears a clip, writes it down, answers a question, says "
        "a word. Lists packages and keys (whether they are set, never what they are). Sends nothing anywhere."
    )
    parser.epilog = _EPILOG
    parser.add_argument("--json", action="store_true", help="print JSON instead of words")


def run(args: argparse.Namespace) -> int:
    """Examine this installation and print the findings."""
    import asyncio

    from vivavoce.cli.doctor.engines import try_engines
    from vivavoce.cli.doctor.findings import examine
    from vivavoce.cli.doctor.report import as_json, show

    if not args.json and sys.stdout.isatty():
        sys.stderr.write("vivavoce: trying the built-in engines …\n")
    findings = examine(asyncio.run(try_engines()))
    if args.json:
        sys.stdout.write(as_json(findings) + "\n")
    else:
        show(findings, sys.stdout)
    return 0 if findings.ok else EXIT_UNWELL
