"""`vivavoce serve`: a Realtime API server on this machine."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vivavoce.cli.llm import add_llm_arguments, engine_choice
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from vivavoce.server import ServerConfig

__all__ = ["SUMMARY", "add_arguments", "config_from", "run"]

SUMMARY = "serve the Realtime API on this machine, by WebSocket and WebRTC, with a page to try it"

CONFIG_NAME = "vivavoce.toml"

_EPILOG = """\
environment:
  VIVAVOCE_API_KEY       keys that clients must present one of, comma-separated (added to --api-key)
  VIVAVOCE_SECRET_KEY    secrets that client secrets are made with, comma-separated (added to --secret-key)
  VIVAVOCE_LLM_API_KEY   key for the server behind --llm (when --llm-api-key is not given)

files:
  ./vivavoce.toml        read when it is there and --config names no other; options go before it. It may
                         hold everything that options can say and more: see docs/serving.md

examples:
  vivavoce serve
      this machine only, no key, built-in engines
  vivavoce serve --llm http://127.0.0.1:11434/v1 --llm-model llama3.2
      think with a model of one's own, on any OpenAI-compatible server
  vivavoce serve --check
      say what would run, and what is wrong with it, without serving
  VIVAVOCE_API_KEY=sk-secret vivavoce serve --host 0.0.0.0 --port 8080
      for others too: they must present the key (and reach it through a proxy with TLS)

a client:
  client = AsyncOpenAI(base_url="http://127.0.0.1:8000/v1", api_key="anything")
  async with client.realtime.connect(model="local") as connection: ...
"""

_OPTION_OF = {"udp_ports": "--udp-ports", "advertised_address": "--advertised-address"}
"""Settings whose options an error names."""

MAX_SESSION_MINUTES = 7 * 24 * 60
"""Longest session that an operator may allow: a week."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vivavoce serve`."""
    parser.description = (
        "Serve the Realtime API over WebSocket and WebRTC, and a page to talk to it. Any client of that API "
        "can connect: an OpenAI client, an Agents SDK, a browser. Ends cleanly on Ctrl-C and SIGTERM; a "
        "second one ends at once."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"settings of the server, in TOML (default: ./{CONFIG_NAME} if it is there)",
    )
    parser.add_argument(
        "--check", action="store_true", help="load the engines, say what would run, and end: 0 if all is well"
    )
    _add_listening(parser.add_argument_group("where"))
    _add_access(parser.add_argument_group("who may come in"))
    _add_engines(parser.add_argument_group("engines"))
    _add_agent(parser.add_argument_group("agent"))
    _add_limits(parser.add_argument_group("limits"))
    _add_webrtc(parser.add_argument_group("calls by WebRTC (extra webrtc)"))
    _add_watching(parser.add_argument_group("seeing inside"))


def _add_webrtc(webrtc: argparse._ArgumentGroup) -> None:
    webrtc.add_argument(
        "--no-webrtc", action="store_true", help="take none, also where the extra is installed"
    )
    webrtc.add_argument(
        "--udp-ports",
        metavar="FIRST-LAST",
        help="UDP ports for media, for a firewall or a container; each call takes one on every address "
        "(default: any free one)",
    )
    webrtc.add_argument(
        "--advertised-address",
        metavar="ADDRESS",
        help="IP address at which clients reach those ports, where this machine does not see it itself: "
        "behind NAT, in a container",
    )


def _add_watching(watching: argparse._ArgumentGroup) -> None:
    watching.add_argument(
        "--metrics",
        action="store_true",
        default=None,
        help="show counters at /metrics, for Prometheus; with the same key as everything else",
    )
    watching.add_argument(
        "--otel",
        action="store_true",
        default=None,
        help="send traces as the variables OTEL_... say, for example OTEL_EXPORTER_OTLP_ENDPOINT",
    )
    watching.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="what to log on stderr (default: %(default)s); never holds keys or what users say",
    )
    watching.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="lines to read, or one JSON object a line (default: %(default)s)",
    )


def _add_listening(listen: argparse._ArgumentGroup) -> None:
    listen.add_argument(
        "--host",
        help="address to listen on (default: 127.0.0.1). Nothing here is encrypted, neither keys nor "
        "speech: for others than this machine put a proxy with TLS in front",
    )
    listen.add_argument("--port", type=int, help="TCP port, 0 for any free one (default: 8000)")


def _add_access(access: argparse._ArgumentGroup) -> None:
    access.add_argument(
        "--api-key",
        action="append",
        default=[],
        metavar="[NAME=]KEY",
        help="key that clients must present; may be given several times, or hold several with commas "
        "between. Without one, only this machine may connect. Other users of this machine can read it in its "
        "list of processes; VIVAVOCE_API_KEY they cannot",
    )
    access.add_argument(
        "--keys-file",
        type=Path,
        metavar="FILE",
        help="TOML file with names and hashes of keys, as `vivavoce keys new` prints them; read again on "
        "SIGHUP",
    )
    access.add_argument(
        "--secret-key",
        action="append",
        default=[],
        metavar="SECRET",
        help="secret that client secrets (ek_...) are made with; the same for all processes of a service. "
        "Without one they hold for this process only",
    )
    access.add_argument(
        "--allow-origin",
        action="append",
        metavar="ORIGIN",
        help="web page that may connect, like https://app.example.com; may be given several times. Without "
        "one, all may that bring a key, or those of this machine where none is asked for",
    )


def _add_engines(engines: argparse._ArgumentGroup) -> None:
    engines.add_argument(
        "--engines",
        choices=("embedded", "bench"),
        help="embedded: hears, thinks and speaks on this machine without a download; "
        "bench: costs nothing and understands nothing, for measuring the server (default: embedded)",
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
    agent.add_argument(
        "--mcp-private-addresses",
        action="store_true",
        default=None,
        help="let clients name MCP servers of this machine and this network; otherwise only public addresses "
        "are reached, lest clients look around here",
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
        "--max-minutes-per-key",
        type=float,
        metavar="M",
        help="minutes of session a day with one API key, all sessions together (default: no such limit)",
    )
    limits.add_argument(
        "--max-audio-per-key",
        type=float,
        metavar="S",
        help="seconds of audio a minute that come in with one API key (default: no such limit)",
    )
    limits.add_argument(
        "--max-session-minutes", type=float, metavar="M", help="length of a session (default: 60)"
    )
    limits.add_argument(
        "--drain-seconds",
        type=float,
        metavar="N",
        help="after a first signal, time for the sessions to end by themselves before they are closed; new "
        "ones are refused and /readyz answers 503 meanwhile (default: 0)",
    )


def config_from(args: argparse.Namespace) -> ServerConfig:
    """Build the server's settings from the configuration file, parsed options and the environment.

    Raises:
        ConfigurationError: an option or setting has a value that cannot be used.
    """
    from vivavoce.server.config_file import read_config
    from vivavoce.server.config_tables import MisplacedError

    try:
        return read_config(config_path(args), _flags(args))
    except MisplacedError as error:  # what is wrong in the file is a plain ConfigurationError
        option = _OPTION_OF.get(error.key or "")
        if option is None:
            raise
        words = str(error).removeprefix(f"[{'.'.join(error.table)}] ").removeprefix(str(error.key))
        raise ConfigurationError(option + words) from error


def config_path(args: argparse.Namespace) -> Path | None:
    """Return the configuration file that is to be read, or `None` when there is none."""
    if args.config is not None:
        named: Path = args.config
        return named
    default = Path(CONFIG_NAME)
    return default if default.is_file() else None


def _flags(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return what the options and the environment say, as tables of the configuration file."""
    from vivavoce.server.keys import parse_keys

    minutes = args.max_session_minutes
    if minutes is not None and not 0 < minutes <= MAX_SESSION_MINUTES:  # which no NaN passes either
        raise ConfigurationError(
            f"--max-session-minutes is {minutes:g}; it must be above 0 and at most {MAX_SESSION_MINUTES}"
        )
    environment = os.environ.get("VIVAVOCE_API_KEY", "")
    secrets = (*args.secret_key, os.environ.get("VIVAVOCE_SECRET_KEY", ""))
    server = {
        "host": args.host,
        "port": args.port,
        "api_keys": parse_keys(",".join([*args.api_key, environment])) or None,
        "keys_file": args.keys_file.absolute() if args.keys_file is not None else None,
        "secret_keys": parse_keys(",".join(secrets)) or None,
        "origins": args.allow_origin,
        "drain_seconds": args.drain_seconds,
    }
    limits = {
        "max_sessions": args.max_sessions,
        "max_sessions_per_key": args.max_sessions_per_key,
        "max_minutes_per_key": args.max_minutes_per_key,
        "max_audio_s_per_key": args.max_audio_per_key,
    }
    session = {
        "voice": args.voice,
        "apology": args.apology,
        "max_minutes": minutes,
        "mcp_private_addresses": args.mcp_private_addresses,
        **_instructions(args),
    }
    tables = {
        "server": server,
        "limits": limits,
        "session": session,
        "engines": _engines(args),
        "metrics": {"enabled": args.metrics},
        "tracing": {"enabled": args.otel},
        "webrtc": {
            "enabled": False if args.no_webrtc else None,
            "udp_ports": args.udp_ports,
            "advertised_address": args.advertised_address,
        },
    }
    given = {name: _given(table) for name, table in tables.items()}
    return {name: table for name, table in given.items() if table}


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _instructions(args: argparse.Namespace) -> dict[str, str]:
    if args.instructions_file is None:
        return {}
    try:
        return {"instructions": args.instructions_file.read_text(encoding="utf-8").strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"--instructions-file {args.instructions_file} cannot be read as UTF-8 text: {error}"
        ) from error


def _engines(args: argparse.Namespace) -> dict[str, Any]:
    choice = engine_choice(args)
    if choice.llm_url is None:
        return {"preset": args.engines}
    from vivavoce.engines.choice import EngineSpec

    options = {"base_url": choice.llm_url, "model": choice.llm_model, "api_key": choice.llm_api_key}
    return {"preset": args.engines, "llm": EngineSpec("chat-completions", _given(options))}


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM, or say what would be served."""
    from vivavoce.cli.serve_check import page_url, webrtc_words
    from vivavoce.server import run as run_server
    from vivavoce.server.logs import configure_logging

    config = config_from(args)
    if args.check:
        from vivavoce.cli.serve_check import check

        sys.stdout.write(check(config, config_path(args)))
        return 0
    configure_logging(args.log_level, args.log_format)
    tell = _notices(args.log_format)
    if (path := config_path(args)) is not None:
        tell(f"settings are from {path}")
    tell("preparing the engines")

    def announce(url: str) -> None:
        if not config.asks_for_keys:
            tell("no API key is set, so only this machine may connect")
        elif not config.secret_keys:
            tell(
                "no secret key is set (VIVAVOCE_SECRET_KEY), so client secrets hold for this process, "
                "until it ends"
            )
        tell(f"calls {webrtc_words(config)}")
        if config.playground:
            tell(f"a page to talk to it is at {page_url(url)}")
        sys.stdout.write(f"vivavoce: listening on {url}\n")
        sys.stdout.flush()

    run_server(config, on_ready=announce)
    return 0


def _notices(log_format: str) -> Callable[[str], object]:
    """Return what tells the operator something on stderr, where one program may read every line as JSON."""
    if log_format == "json":
        return logging.getLogger(__name__).info
    return lambda words: sys.stderr.write(f"vivavoce: {words}\n")
