"""`vivavoce keys`: makes API keys, and the lines with which a server knows them."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "make API keys for `vivavoce serve`"

_KEY_BYTES = 32

_EPILOG = """\
examples:
  vivavoce keys new web-shop
      make a key: the key itself goes to stdout, the line for the keys file to stderr
  vivavoce keys new web-shop 2>> keys.toml
      the same, and put the line where `vivavoce serve --keys-file keys.toml` finds it
  vivavoce keys hash web-shop < key.txt
      the line for a key that is there already, on stdout
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vivavoce keys`."""
    parser.description = (
        "Make API keys. A server knows only their SHA-256 hashes, so that nobody who reads its files can use "
        "it; a key is shown once and kept nowhere."
    )
    parser.epilog = _EPILOG
    parser.add_argument("action", choices=("new", "hash"), help="make a key, or hash one that stdin brings")
    parser.add_argument("name", help="what logs, metrics and limits call the key")


def run(args: argparse.Namespace) -> int:
    """Make or hash one key.

    Raises:
        ConfigurationError: the name cannot be one, or stdin brings no key.
    """
    from vivavoce.server.keys import ApiKey, digest_of

    key = f"sk-{secrets.token_urlsafe(_KEY_BYTES)}" if args.action == "new" else sys.stdin.readline().strip()
    if not key:
        raise ConfigurationError("stdin brought no key: vivavoce keys hash NAME < FILE")
    digest = f"sha256:{digest_of(key).hex()}"
    line = f'"{ApiKey.from_hash(args.name, digest).name}" = "{digest}"\n'
    if args.action == "new":
        sys.stderr.write(line)
        sys.stdout.write(f"{key}\n")
    else:
        sys.stdout.write(line)
    return 0
