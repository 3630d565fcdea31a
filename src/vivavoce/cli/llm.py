"""The options of every command that may think with a language model elsewhere."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.engines.registry import EngineChoice, Preset

KEY_VARIABLE = "VIVAVOCE_LLM_API_KEY"


def add_llm_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add `--llm`, `--llm-model` and `--llm-api-key`."""
    parser.add_argument("--llm", metavar="URL", help="base URL of an OpenAI-compatible server to think with")
    parser.add_argument("--llm-model", metavar="NAME", help="model to ask that server for")
    parser.add_argument(
        "--llm-api-key",
        metavar="KEY",
        help=f"key for that server; {KEY_VARIABLE} does not show in the list of processes",
    )


def engine_choice(args: argparse.Namespace, preset: Preset = "embedded") -> EngineChoice:
    """Return the engines that the options ask for.

    Args:
        args: parsed, with what `add_llm_arguments` added.
        preset: the other engines.

    Raises:
        ConfigurationError: a model or key is given for no server.
    """
    from vivavoce.engines.registry import EngineChoice

    if args.llm is None and (args.llm_model or args.llm_api_key):
        raise ConfigurationError(
            "--llm-model and --llm-api-key need --llm, the URL of the server they are for"
        )
    key = args.llm_api_key or os.environ.get(KEY_VARIABLE) or None
    return EngineChoice(
        preset=preset,
        llm_url=args.llm,
        llm_model=args.llm_model,
        llm_api_key=key if args.llm is not None else None,
    )
