"""`/metrics`: the page that Prometheus reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from vivavoce.server.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from starlette.requests import Request

    from vivavoce.server.instruments import Instruments
    from vivavoce.server.rest.desk import Desk

__all__ = ["MetricsRoutes"]


class MetricsRoutes:
    """Shows what is counted, where anything is.

    Args:
        desk: what the routes share.
        instruments: what counts.
    """

    def __init__(self, desk: Desk, instruments: Instruments) -> None:
        self._desk = desk
        self._instruments = instruments

    @property
    def routes(self) -> list[Route]:
        """The routes of this part."""
        return [Route("/metrics", self._metrics)] if self._desk.config.metrics is not None else []

    async def _metrics(self, request: Request) -> Response:
        policy = self._desk.config.metrics
        if policy is None or not policy.open:
            self._desk.caller(request)
        headers = {"cache-control": "no-store", "content-type": CONTENT_TYPE}
        return Response(self._instruments.page(), headers=headers)
