"""Which provider a target belongs to."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal, TypeAlias

from vivavoce.errors import ConfigurationError
from vivavoce.providers.azure import azure_endpoint, is_azure
from vivavoce.providers.base import Endpoint, Target
from vivavoce.providers.openai import openai_endpoint

ProviderName: TypeAlias = Literal["openai", "azure"]
PROVIDERS: tuple[ProviderName, ...] = ("openai", "azure")


def check_provider(provider: str | None) -> None:
    """Check what a program names as its provider.

    Raises:
        ConfigurationError: there is none of this name.
    """
    if provider is not None and provider not in PROVIDERS:
        accepted = " or ".join(map(repr, PROVIDERS))
        raise ConfigurationError(f"provider must be {accepted}, or None, got {provider!r}")


async def endpoint_of(target: Target, provider: ProviderName | None = None) -> Endpoint:
    """Find the server that a target means, and what to show at its door.

    Args:
        target: what the user said.
        provider: whose server it is. ``None`` looks at the URL, or at ``OPENAI_BASE_URL``: Azure's hosts are
            known, all others are reached as OpenAI's is.

    Raises:
        ConfigurationError: the URL is none, or a key or a name is missing.
    """
    if provider == "azure":
        return await azure_endpoint(target)
    url = target.url or os.environ.get("OPENAI_BASE_URL")
    if url and is_azure(url):
        return await azure_endpoint(replace(target, url=url))
    return await openai_endpoint(target)
