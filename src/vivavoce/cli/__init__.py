"""The commands of `vivavoce`: one module per subcommand, found in a table and imported only when asked for.

What lives here: argument parsing, words for a terminal, the wiring of rooms into a program.
What may not: anything another program would want to import.
Who may import it: nobody.

A subcommand module offers `SUMMARY` (one line), `add_arguments(parser)` and `run(args) -> int`, and must be
cheap to import: heavy imports belong inside `run`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING, Protocol, cast

# Small matrices on many threads are slower than on one, and the threads steal cores from other sessions.
# OpenBLAS reads this once, when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from vivavoce import __version__
from vivavoce.errors import VivavoceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COMMANDS", "EXIT_FAILED", "EXIT_INTERRUPTED", "Subcommand", "build_parser", "main"]

EXIT_FAILED = 2
"""Exit code when a `VivavoceError` ended the command, or its arguments were wrong."""

EXIT_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it (128 + SIGINT)."""

COMMANDS: Mapping[str, str] = {
    "demo": "vivavoce.cli.demo",
    "serve": "vivavoce.cli.serve",
    "keys": "vivavoce.cli.keys",
    "webhooks": "vivavoce.cli.webhooks",
    "doctor": "vivavoce.cli.doctor",
    "replay": "vivavoce.cli.replay",
}
"""Name of each subcommand and the module that implements it, in the order of the help text."""


class Subcommand(Protocol):
    """What a subcommand's module offers.

    Attributes:
        SUMMARY: one line for the list of commands.
    """

    SUMMARY: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare options and arguments on the subcommand's own parser; set `description` and `epilog`."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do the work and return the exit code."""
        ...


def _load(module: str) -> Subcommand:
    return cast(Subcommand, importlib.import_module(module))


def build_parser(names: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Build the parser of `vivavoce` with the named subcommands, importing only their modules."""
    parser = argparse.ArgumentParser(
        prog="vivavoce",
        description="Voice agents that talk in real time, and a Realtime API server to run them on.",
        epilog="Run `vivavoce COMMAND --help` for the options of a command and examples.",
        allow_abbrev=False,  # half a name of an option must not be taken for another one
    )
    parser.add_argument("--version", action="version", version=f"vivavoce {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for name in names:
        module = _load(COMMANDS[name])
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: the arguments after the program's name; those of the process when `None`.

    Returns:
        0 when all went well, `EXIT_FAILED` after a `VivavoceError` (one line on stderr), `EXIT_INTERRUPTED`
        after Ctrl-C.

    Raises:
        SystemExit: argparse ends the program itself for `--help`, `--version` and wrong arguments.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    known = arguments[:1] if arguments[:1] and arguments[0] in COMMANDS else tuple(COMMANDS)
    args = build_parser(known).parse_args(arguments)
    try:
        return int(args.run(args))
    except VivavoceError as error:
        sys.stderr.write(f"vivavoce: {error}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
