"""Azure OpenAI: deployments in the place of models, two forms of the URL, two kinds of key.

The form of today is ``/openai/v1/realtime?model=<deployment>``. The preview form is ``/openai/realtime`` with
the query ``api-version=…&deployment=…``; it is used where the URL has it or names an `api-version`, and where
``OPENAI_API_VERSION`` ends in ``-preview``. Only the address differs: a server behind the preview form that
still speaks the beta of the Realtime API refuses the session, and says so when it opens.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from vivavoce.errors import ConfigurationError, MissingKeyError
from vivavoce.providers.base import (
    KEY_HEADERS,
    NAMES_THE_SESSION,
    Endpoint,
    Target,
    carries,
    join_url,
    query_of,
    resolve_key,
    same_server,
    split_url,
)
from vivavoce.urls import shown_url

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_HOST = re.compile(r"\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)$")
_TOKEN = re.compile(r"^eyJ[\w-]*\.[\w-]+\.[\w-]*$")
_PREVIEW_HINT = (
    "The URL has Azure's preview form (api-version); for the form of today, unset OPENAI_API_VERSION and use "
    "https://<resource>.openai.azure.com as the base URL."
)


def is_azure(url: str) -> bool:
    """Return whether a URL belongs to Azure OpenAI."""
    return _HOST.search(split_url(url).hostname or "") is not None


async def azure_endpoint(target: Target) -> Endpoint:
    """Find the resource, the deployment and the key.

    A key goes into the header ``api-key``. A token of Microsoft Entra goes into ``Authorization``: a text
    that has its form, and whatever a function returns.

    Args:
        target: what the user said; its model is the name of a deployment. What it leaves out comes from
            ``AZURE_OPENAI_ENDPOINT``, ``AZURE_OPENAI_DEPLOYMENT``, and ``AZURE_OPENAI_API_KEY`` or
            ``AZURE_OPENAI_AD_TOKEN``. These keys are shown only to Azure, or to that endpoint.

    Raises:
        ConfigurationError: the resource, the deployment, the API version or the key is missing.
    """
    base_url = target.url or os.environ.get("AZURE_OPENAI_ENDPOINT")
    if not base_url:
        raise ConfigurationError(
            "Azure's resource is missing: set AZURE_OPENAI_ENDPOINT, or pass "
            "model_config={'base_url': 'https://<resource>.openai.azure.com'}"
        )
    parts = split_url(base_url)
    version = _api_version(parts)
    path = _path(parts, preview=version is not None)
    preview = path.endswith("/openai/realtime")
    query = {} if target.call_id else _deployment(target, parts, preview=preview)
    if target.call_id:
        query["call_id"] = target.call_id
    if preview:
        query["api-version"] = _needed(version, base_url)
    headers = {**await _keys(target, base_url), **target.headers}
    return Endpoint(join_url(parts, path, query), headers, _PREVIEW_HINT if preview else "")


def _api_version(parts: SplitResult) -> str | None:
    """Return the version that asks for the preview form, if any does."""
    given = query_of(parts).get("api-version")
    if given:
        return given
    # The variable is shared with Azure's other APIs, whose released versions know no such form.
    own = os.environ.get("OPENAI_API_VERSION", "")
    return own if own.endswith("-preview") else None


def _path(parts: SplitResult, *, preview: bool) -> str:
    path = parts.path.rstrip("/")
    if path.endswith("/realtime"):
        return path
    if path.endswith("/v1"):
        return f"{path}/realtime"
    if not path.endswith("/openai"):
        path += "/openai"
    return f"{path}/realtime" if preview else f"{path}/v1/realtime"


def _deployment(target: Target, parts: SplitResult, *, preview: bool) -> dict[str, str]:
    if NAMES_THE_SESSION & set(query_of(parts)):
        return {}
    deployment = target.model or os.environ.get("AZURE_OPENAI_DEPLOYMENT")
    if not deployment:
        raise ConfigurationError(
            "Azure's deployment is missing: set AZURE_OPENAI_DEPLOYMENT, or name it as "
            "model_settings={'model_name': …}"
        )
    return {"deployment" if preview else "model": deployment}


def _needed(version: str | None, base_url: str) -> str:
    if version is None:
        raise ConfigurationError(
            f"{shown_url(base_url)!r} has Azure's preview form and needs an API version: add ?api-version=…, "
            "set OPENAI_API_VERSION to one that ends in -preview, or end the URL in /openai/v1"
        )
    return version


async def _keys(target: Target, base_url: str) -> dict[str, str]:
    """Return the header that carries the key, unless the user's own headers carry one."""
    if carries(target.headers, *KEY_HEADERS):
        return {}
    key = await resolve_key(target.api_key)
    if key:
        is_token = callable(target.api_key) or _TOKEN.match(key) is not None
        return _bearer(key) if is_token else {"api-key": key}
    if is_azure(base_url) or same_server(base_url, os.environ.get("AZURE_OPENAI_ENDPOINT")):
        if key := os.environ.get("AZURE_OPENAI_API_KEY"):
            return {"api-key": key}
        if token := os.environ.get("AZURE_OPENAI_AD_TOKEN"):
            return _bearer(token)
    if same_server(base_url, os.environ.get("OPENAI_BASE_URL")) and (key := os.environ.get("OPENAI_API_KEY")):
        return {"api-key": key}
    raise MissingKeyError(
        "No key for Azure OpenAI: set AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN",
        "or pass model_config={'api_key': …}, a function for tokens that expire",
    )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
