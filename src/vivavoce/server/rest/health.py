"""`/healthz`, `/readyz` and `/v1/models`: how the server is, and what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vivavoce import __version__
from vivavoce.server.envelope import Refusal
from vivavoce.server.limits import RETRY_AFTER_S
from vivavoce.server.rest.desk import Desk, api_routes, respond

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["HealthRoutes"]


class HealthRoutes:
    """Says how the server is.

    `/healthz` says that the process lives, also while it drains: who restarts on a failure must not cut off
    the last sessions. `/readyz` says whether a new session would be let in.

    Args:
        desk: what the routes share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def routes(self) -> list[Route]:
        """The routes of this part."""
        return [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            *api_routes("/models", self._models, "GET"),
            *api_routes("/models/{model:path}", self._model, "GET"),
        ]

    async def _healthz(self, _request: Request) -> Response:
        return self._state(200, "draining" if self._desk.admission.draining else "ok")

    async def _readyz(self, _request: Request) -> Response:
        admission = self._desk.admission
        if admission.draining:
            return self._state(503, "draining")
        return self._state(503, "full") if admission.full else self._state(200, "ok")

    def _state(self, status: int, word: str) -> Response:
        admission = self._desk.admission
        state = {
            "status": word,
            "sessions": admission.sessions,
            "max_sessions": admission.max_sessions,
            "version": __version__,
        }
        headers = {"cache-control": "no-store"}
        if status == 503:
            headers["retry-after"] = str(RETRY_AFTER_S)
        return JSONResponse(state, status, headers)

    async def _models(self, request: Request) -> Response:
        self._desk.caller(request)
        return JSONResponse({"object": "list", "data": [_shown(self._desk.config.session.model)]})

    async def _model(self, request: Request) -> Response:
        self._desk.caller(request)
        asked, ours = request.path_params["model"], self._desk.config.session.model
        if asked == ours:
            return JSONResponse(_shown(ours))
        message = (
            f"The model '{asked[:64]}' does not exist. This server's model is '{ours}'; it answers to any "
            "name that a connection asks for."
        )
        return respond(Refusal(404, message, code="model_not_found", param="model"))


def _shown(model: str) -> dict[str, object]:
    return {"id": model, "object": "model", "created": 0, "owned_by": "vivavoce"}
