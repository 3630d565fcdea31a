"""Where a configuration leads: its server, and what to show at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.connections.base import model_name_of
from vivavoce.providers.base import Endpoint, Target
from vivavoce.providers.resolving import endpoint_of

if TYPE_CHECKING:
    from vivavoce.connections.base import RealtimeModelConfig
    from vivavoce.providers.base import ApiKey
    from vivavoce.providers.resolving import ProviderName


async def resolve_endpoint(
    config: RealtimeModelConfig,
    *,
    url: str | None = None,
    api_key: ApiKey | None = None,
    provider: ProviderName | None = None,
) -> Endpoint:
    """Find the server and its key, anew for every connection: keys may expire.

    Args:
        config: of the run; goes before the rest.
        url: the connection's own server; without one it is the provider's.
        api_key: the connection's own key.
        provider: whose server it is; ``None`` looks at the URL.

    Raises:
        ConfigurationError: the URL is none, or a key or a name is missing.
    """
    given = config.get("url")
    base = config.get("base_url")
    target = Target(
        url=given or base or url,
        is_base=bool(base and not given),
        api_key=config.get("api_key") or api_key,
        headers=config.get("headers") or {},
        model=model_name_of(config),
        call_id=config.get("call_id"),
    )
    return await endpoint_of(target, provider)
