"""`vivavoce webhooks`: makes secrets for webhooks, and tries endpoints."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "make secrets for webhooks, and try endpoints"

EXIT_NOT_ACCEPTED = 1
"""Exit code when the endpoint did not take the event."""

SECRET_VARIABLE = "OPENAI_WEBHOOK_SECRET"  # noqa: S105  # a variable's name

_SECRET_BYTES = 32

_EPILOG = f"""\
environment:
  {SECRET_VARIABLE}  the secret, when --secret is not given; other users of this machine cannot read it in
                         its list of processes

examples:
  vivavoce webhooks new
      make a secret: for [[webhooks]] of the server, and for the program that receives
  vivavoce webhooks test https://example.com/hooks --secret whsec_...
      send a signed event and say what came back: exit code 0 when it was accepted
  vivavoce webhooks test http://127.0.0.1:9000/hooks --event realtime.call.incoming
      send the event of a telephone call (of one that does not exist)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `vivavoce webhooks`."""
    parser.description = (
        "Make secrets that webhooks are signed with, or send one event to an endpoint as the server would."
    )
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    actions.add_parser("new", help="make a secret", allow_abbrev=False)
    test = actions.add_parser("test", help="send one signed event and say what came back", allow_abbrev=False)
    test.add_argument("url", metavar="URL", help="https://... (http:// for this machine only)")
    test.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="SECRET",
        help="what to sign with; several while you rotate them",
    )
    test.add_argument(
        "--event", default="vivavoce.test", metavar="TYPE", help="its type (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Make a secret, or try an endpoint.

    Raises:
        ConfigurationError: the URL or a secret cannot work.
    """
    if args.action == "new":
        made = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        sys.stdout.write(f"whsec_{made}\n")
        return 0
    return _test(args)


def _test(args: argparse.Namespace) -> int:
    import asyncio

    from vivavoce.server.webhook_probe import probe
    from vivavoce.server.webhooks import WebhookEndpoint
    from vivavoce.urls import shown_url

    given = tuple(args.secret) or tuple(filter(None, [os.environ.get(SECRET_VARIABLE)]))
    endpoint = WebhookEndpoint(args.url, given)
    answer = asyncio.run(probe(endpoint, args.event))
    sys.stdout.write(f"sent {args.event} {answer.event_id} to {shown_url(endpoint.url)}\n")
    took = f"after {answer.seconds * 1000:.0f} ms"
    if answer.accepted:
        sys.stdout.write(f"accepted with HTTP {answer.status} {took}\n")
        return 0
    problem = "no answer" if answer.status is None else f"HTTP {answer.status}"
    sys.stdout.write(f"not accepted: {problem} {took}; the server would send it again for 72 hours\n")
    if answer.words:
        sys.stdout.write(f"{answer.words}\n")
    return EXIT_NOT_ACCEPTED
