"""`/v1/realtime/calls`: what can be done to a session from outside, by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from vivavoce.server.envelope import Refusal
from vivavoce.server.rest.desk import Desk, api_routes, respond

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

__all__ = ["CallRoutes"]


class CallRoutes:
    """Ends sessions by their id. Only the key that opened a session can.

    Args:
        desk: what the routes share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def routes(self) -> list[Route]:
        """The routes of this part."""
        return [
            *api_routes("/realtime/calls", self._create, "POST"),
            *api_routes("/realtime/calls/{call_id}/hangup", self._hangup, "POST"),
            *(
                route
                for verb in ("accept", "reject", "refer")
                for route in api_routes(f"/realtime/calls/{{call_id}}/{verb}", self._not_by_phone, "POST")
            ),
        ]

    async def _hangup(self, request: Request) -> Response:
        caller = self._desk.caller(request)
        call_id = request.path_params["call_id"]
        if self._desk.calls.hang_up(call_id, caller.name):
            return Response(status_code=200)
        return respond(_unknown(call_id))

    async def _not_by_phone(self, request: Request) -> Response:
        call_id = request.path_params["call_id"]
        caller = self._desk.caller(request)
        if self._desk.calls.find(call_id, caller.name) is None:
            return respond(_unknown(call_id))
        message = f"'{call_id[:64]}' is no telephone call. Of other sessions only hangup is possible."
        return respond(Refusal(400, message, code="not_a_phone_call", param="call_id"))

    async def _create(self, request: Request) -> Response:
        # With a client secret as well: that is how browsers come, and they are to read the same.
        admitted = self._desk.guard.admit(request.scope)
        if isinstance(admitted, Refusal):
            return respond(admitted)
        message = "This server takes no WebRTC calls. Connect to /v1/realtime with a WebSocket."
        # The clients of the API try again after a 5xx unless they are told not to.
        headers = {"x-should-retry": "false"}
        return respond(Refusal(501, message, code="webrtc_not_supported", headers=headers))


def _unknown(call_id: str) -> Refusal:
    return Refusal(404, f"No call with id '{call_id[:64]}' found.", code="call_id_not_found", param="call_id")
