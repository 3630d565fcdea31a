"""`/v1/realtime/calls`: WebRTC calls, and what can be done to any session from outside, by its id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from vivavoce.conversation.refusal import refuse
from vivavoce.conversation.settings import merge
from vivavoce.server.beta import announces_beta
from vivavoce.server.carrier import Guest
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.rest.desk import KEY_NAME, PREFIXES, REQUEST_ID, Desk, api_routes, respond
from vivavoce.server.rest.offers import offer_of
from vivavoce.server.rest.opening import opening_session, session_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from vivavoce.server.auth import Caller
    from vivavoce.server.webrtc import WebRtcCalls

__all__ = ["CallRoutes"]

SWITCHED_OFF = Refusal(
    501,
    "This server takes no WebRTC calls. Connect to /v1/realtime with a WebSocket.",
    code="webrtc_not_supported",
    # The clients of the API try again after a 5xx unless they are told not to.
    headers={"x-should-retry": "false"},
)


class CallRoutes:
    """Takes WebRTC calls, and ends sessions by their id, for the key that opened them.

    Args:
        desk: what the routes share.
        webrtc: who carries calls; `None` where there are none.
    """

    def __init__(self, desk: Desk, webrtc: WebRtcCalls | None) -> None:
        self._desk = desk
        self._webrtc = webrtc

    @property
    def routes(self) -> list[Route]:
        """The routes of this part."""
        return [
            *api_routes("/realtime/calls", self._create, "POST"),
            # Where the beta's clients sent their offers.
            *api_routes("/realtime", self._create_beta, "POST"),
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
        return await self._answer(request, beta=announces_beta(request.scope))

    async def _create_beta(self, request: Request) -> Response:
        return await self._answer(request, beta=True)

    async def _answer(self, request: Request, *, beta: bool) -> Response:
        """Answer an offer.

        A call may come with an API key or, from a browser, with a client secret; what the form says of the
        session then stands over what the secret says.
        """
        caller = self._desk.guard.admit(request.scope)
        if isinstance(caller, Refusal):
            return self._refused(caller)
        request.scope[KEY_NAME] = caller.name
        if self._webrtc is None:
            return self._refused(SWITCHED_OFF)
        try:
            offer = await offer_of(request)
            if offer.session is not None:
                caller = self._with_settings(caller, offer.session)
            call_id, answer = await self._webrtc.answer(
                Guest.of(request.scope, caller, request.scope.get(REQUEST_ID, ""), "webrtc"),
                request.scope.get("query_string", b""),
                offer.sdp,
                beta=beta,
                gone=request.is_disconnected,
            )
        except RefusedError as error:
            return self._refused(error.refusal)
        headers = {"location": f"{_prefix(request)}/realtime/calls/{call_id}"}
        return Response(answer, 201, headers=headers, media_type="application/sdp")

    def _with_settings(self, caller: Caller, raw: dict[str, Any]) -> Caller:
        """Return a caller whose session begins with settings that it brings itself.

        Raises:
            RemoteProtocolError: they cannot be met.
        """
        settings = session_of(raw)
        if caller.settings is not None:
            if type(settings) is not type(caller.settings):
                message = f"The client secret is for a {caller.settings.type} session."
                raise refuse(message, "session.type")
            settings = merge(caller.settings, settings)
        opening_session(self._desk.engines, self._desk.config.session, settings)
        return replace(caller, settings=settings)

    def _refused(self, refusal: Refusal) -> Response:
        self._desk.count_refusal(refusal.code)
        return respond(refusal)


def _prefix(request: Request) -> str:
    path: str = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return next(prefix for prefix in PREFIXES if path.startswith(f"{prefix}/realtime"))


def _unknown(call_id: str) -> Refusal:
    return Refusal(404, f"No call with id '{call_id[:64]}' found.", code="call_id_not_found", param="call_id")
