"""Who hosts realtime models, and what is peculiar about each: addresses, keys, headers, names of models.

A provider turns what a user said into one `Endpoint`. Nothing here opens a WebSocket or knows of sessions.
Who may import it: `connections` and the rooms above it.
"""

from vivavoce.providers.base import ApiKey, Endpoint, Target
from vivavoce.providers.client_secret import ClientSecret, create_client_secret

__all__ = ["ApiKey", "ClientSecret", "Endpoint", "Target", "create_client_secret"]
