"""`vivavoce serve`: a Realtime API server on this machine."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vivavoce.cli.llm import add_llm_arguments, engine_choice
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from vivavoce.server import ServerConfig

__all__ = ["SUMMARY", "add_arguments", "config_from", "run"]

SUMMARY = "serve the Realtime API on this machine"

_EPILOG = """\
environment:
  VIVAVOCE_API_KEY       keys that clients must present one of, comma-separated (added to --api-key)
  VIVAVOCE_LLM_API_KEY   key for the server behind --llm (when --llm-api-key is not given)

examples:
  vivavoce serve
      this machine only, no key, built-in engines
  vivavoce serve --llm http://127.0.0.1:11434/v1 --llm-model llama3.2
      think with a model of one's own, on any OpenAI-compatible server
  VIVAVOCE_API_KEY=sk-secret vivavoce serve --host 0.0.0.0 --port 8080
      for others too: they must present the key (and reach it through a proxy with TLS)

a client:
  client = AsyncOpenAI(base_url="http://127.0.0.1:8000/v1", api_key="anything")
  async with client.realtime.connect(model="local") as connection: ...
"""

MAX_SESSION_MINUTES = 7 * 24 * 60
"""Longest session that an operator may allow: a week."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vivavoce serve`."""
    parser.description = (
        "Serve the Realtime API over WebSocket. Any client of that API can connect: an OpenAI client, an "
        "Agents SDK, a browser. Ends cleanly on Ctrl-C and SIGTERM; a second one ends at once."
    )
    parser.epilog = _EPILOG
    _add_listening(parser.add_argument_group("where"))
    _add_engines(parser.add_argument_group("engines"))
    _add_agent(parser.add_argument_group("agent"))
    _add_limits(parser.add_argument_group("limits"))
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="what to log on stderr (default: %(default)s); never holds keys or what users say",
    )


def _add_listening(listen: argparse._ArgumentGroup) -> None:
    listen.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s). Nothing here is encrypted, neither keys nor "
        "speech: for others than this machine put a proxy with TLS in front",
    )
    listen.add_argument(
        "--port", type=int, default=8000, help="TCP port, 0 for any free one (default: %(default)s)"
    )
    listen.add_argument(
        "--api-key",
        action="append",
        default=[],
        metavar="KEY",
        help="key that clients must present; may be given several times, or hold several with commas "
        "between. Without one, only this machine may connect. Other users of this machine can read it in its "
        "list of processes; VIVAVOCE_API_KEY they cannot",
    )


def _add_engines(engines: argparse._ArgumentGroup) -> None:
    engines.add_argument(
        "--engines",
        choices=("embedded", "bench"),
        default="embedded",
        help="embedded: hears, thinks and speaks on this machine without a download; "
        "bench: costs nothing and understands nothing, for measuring the server (default: %(default)s)",
    )
    add_llm_arguments(engines)


def _add_agent(agent: argparse._ArgumentGroup) -> None:
    agent.add_argument("--voice", metavar="NAME", help="voice unless the client asks for another")
    agent.add_argument(
        "--instructions-file",
        type=Path,
        metavar="FILE",
        help="file with instructions (UTF-8), unless the client brings its own",
    )
    agent.add_argument(
        "--apology",
        metavar="TEXT",
        help="what to say when the model fails in the middle of a turn, for example in the language of the "
        "callers; an empty text says nothing",
    )


def _add_limits(limits: argparse._ArgumentGroup) -> None:
    limits.add_argument(
        "--max-sessions",
        type=int,
        metavar="N",
        help="sessions at once; more are refused with 503 (default: what the cores carry with these engines)",
    )
    limits.add_argument(
        "--max-sessions-per-key",
        type=int,
        metavar="N",
        help="sessions at once with one API key; more are refused with 429 (default: no such limit)",
    )
    limits.add_argument(
        "--max-session-minutes",
        type=float,
        default=60.0,
        metavar="M",
        help="length of a session (default: %(default)g)",
    )
    limits.add_argument(
        "--drain-seconds",
        type=float,
        default=0.0,
        metavar="N",
        help="after a first signal, time for the sessions to end by themselves before they are closed; new "
        "ones are refused and /healthz answers 503 meanwhile (default: %(default)g)",
    )


def config_from(args: argparse.Namespace) -> ServerConfig:
    """Build the server's settings from parsed options and the environment.

    Raises:
        ConfigurationError: an option has a value that cannot be used.
    """
    from vivavoce.pipeline import SessionOptions
    from vivavoce.server import Limits, ServerConfig
    from vivavoce.server.keys import parse_keys

    if not 0 < args.max_session_minutes <= MAX_SESSION_MINUTES:  # which no NaN passes either
        raise ConfigurationError(
            f"--max-session-minutes is {args.max_session_minutes:g}; it must be above 0 and at most "
            f"{MAX_SESSION_MINUTES}"
        )
    return ServerConfig(
        host=args.host,
        port=args.port,
        api_keys=parse_keys(",".join([*args.api_key, os.environ.get("VIVAVOCE_API_KEY", "")])),
        limits=Limits(max_sessions=args.max_sessions, max_sessions_per_key=args.max_sessions_per_key),
        session=replace(SessionOptions(max_session_s=args.max_session_minutes * 60.0), **_agent(args)),
        engines=engine_choice(args, args.engines),
        drain_s=args.drain_seconds,
    )


def _agent(args: argparse.Namespace) -> dict[str, Any]:
    """Return those session options that say what the agent is like, as far as they are given."""
    given = {"voice": args.voice, "apology": args.apology}
    if args.instructions_file is not None:
        try:
            given["instructions"] = args.instructions_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"--instructions-file {args.instructions_file} cannot be read as UTF-8 text: {error}"
            ) from error
    return {name: value for name, value in given.items() if value is not None}


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    from vivavoce.server import run as run_server
    from vivavoce.server.logs import configure_logging

    config = config_from(args)
    configure_logging(args.log_level)
    sys.stderr.write(f"vivavoce: preparing the {args.engines} engines\n")

    def announce(url: str) -> None:
        if not config.api_keys:
            sys.stderr.write("vivavoce: no API key is set, so only this machine may connect\n")
        sys.stdout.write(f"vivavoce: listening on {url}\n")
        sys.stdout.flush()

    run_server(config, on_ready=announce)
    return 0
