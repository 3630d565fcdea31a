"""`BrowserCalls`: lets the users of a web application talk to an agent from their browser."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn, Self

from starlette.responses import Response

from vivavoce.connections.base import check_model_config
from vivavoce.errors import ConfigurationError, MissingExtraError, VivavoceError
from vivavoce.ids import RandomIds
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.rest.offers import offer_of
from vivavoce.session import RealtimeRunner
from vivavoce.tasks import Tasks
from vivavoce.web.options import CallOptions
from vivavoce.web.visitors import Authorize, Visitors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from starlette.requests import Request
    from starlette.routing import Route

    from vivavoce.web.call import BrowserCall, OnSession

logger = logging.getLogger(__name__)

CLOSE_S = 1.0
"""Seconds that calls have to end when the application does."""
RETRY_S = 5
"""What a refused caller is told to wait."""


class BrowserCalls:
    """Answers calls from browsers, each with a session of the agent in this program.

        calls = BrowserCalls(runner, authorize=signed_in_user)
        app = FastAPI(lifespan=calls.lifespan)          # or Starlette(…)
        app.routes.extend(calls.routes("/voice/calls"))

    A page posts its SDP offer there; the unmodified browser SDK of OpenAI does it by
    ``session.connect({url: "/voice/calls", …})``. Needs the extras ``server`` and ``webrtc``.

    Args:
        runner: starts the sessions.
        authorize: returns the user of a request, of any type, plain or async; ``None`` is answered with 401.
        on_session: called with each session and its user when the call begins: attach listeners, say hello.
            A coroutine goes on beside the call, and for ten seconds after it.
        context: makes the object that tools get as their context from the user; default: the user itself.
        model_config: how to reach the model, as for `RealtimeRunner.run`.
        origins: pages of other hosts that may call, like ``"https://app.example.com"``.
        options: limits, network, what the browser may see and change.

    Raises:
        MissingExtraError: aiortc is not installed.
        ConfigurationError: an argument is of another kind, an origin is none, or `model_config` cannot work.
    """

    def __init__(
        self,
        runner: RealtimeRunner[Any],
        *,
        authorize: Authorize,
        on_session: OnSession | None = None,
        context: Callable[[Any], Any] | None = None,
        model_config: Mapping[str, Any] | None = None,
        origins: Iterable[str] = (),
        options: CallOptions | None = None,
    ) -> None:
        if find_spec("aiortc") is None:
            raise MissingExtraError("webrtc", "taking calls from browsers")
        # Now, and not with the first call: it takes a while.
        import vivavoce.webrtc.wiring  # noqa: F401
        from vivavoce.web import call

        _check(runner, on_session, context, options)
        self._call_type = call.BrowserCall
        self._runner = runner
        self._visitors = Visitors(authorize, origins)
        self._on_session = on_session
        self._context = context
        self._model_config = check_model_config(model_config)
        self._options = options or CallOptions()
        self._ids = RandomIds()
        self._calls: dict[str, BrowserCall] = {}
        self._tasks = Tasks()
        self._carrying: set[asyncio.Task[None]] = set()
        self._closed = False
        self._watched = False

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def calls(self) -> list[BrowserCall]:
        """The calls that are, each with `id`, `user`, `session` and `hang_up`."""
        return list(self._calls.values())

    # --- mounting -----------------------------------------------------------------------------------------

    def routes(self, path: str) -> list[Route]:
        """Return the routes of calls, for Starlette and FastAPI alike.

        ``POST path`` takes an SDP offer and answers with 201, the SDP answer, and the call's own path as
        ``Location``. ``DELETE path/{id}`` and ``POST path/{id}/hangup`` end a call of the same user.

        Args:
            path: for example ``"/voice/calls"``.
        """
        path = path.rstrip("/")
        return [
            self._visitors.route(path, self._create, "POST"),
            self._visitors.route(f"{path}/{{call_id}}", self._delete, "DELETE"),
            self._visitors.route(f"{path}/{{call_id}}/hangup", self._delete, "POST"),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Any = None) -> AsyncIterator[None]:
        """End all calls when the application ends: ``FastAPI(lifespan=calls.lifespan)``.

        In a lifespan of one's own: ``async with calls: yield``.
        """
        async with self:
            yield

    async def __aenter__(self) -> Self:
        self._closed = False
        self._watched = True
        self._tasks = Tasks()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all calls, within two seconds, and take no more."""
        self._closed = True
        for call in self._calls.values():
            call.hang_up("the application ends")
        if self._carrying:
            await asyncio.wait(self._carrying, timeout=CLOSE_S)
        await self._tasks.aclose()

    # --- the routes ---------------------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        user = await self._visitors.admit(request)
        # What the offer says of a session is passed over: what the agent is, this program decides.
        call, answer = await self._accept((await offer_of(request)).sdp, user)
        location = f"{request.url.path.rstrip('/')}/{call.id}"
        return Response(answer, 201, headers={"Location": location}, media_type="application/sdp")

    async def _delete(self, request: Request) -> Response:
        user = await self._visitors.admit(request)
        call = self._calls.get(request.path_params["call_id"])
        if call is None or call.user != user:
            raise RefusedError(Refusal(404, "There is no such call of yours.", code="call_not_found"))
        call.hang_up("hung up by the browser")
        return Response(status_code=204 if request.method == "DELETE" else 200)

    # --- calls --------------------------------------------------------------------------------------------

    async def _accept(self, offer: str, user: Any) -> tuple[BrowserCall, str]:
        """Begin a call; it goes on in a task.

        Raises:
            RefusedError: there are too many, the offer is not accepted, or the agent cannot be reached.
        """
        self._check_room(user)
        options = self._options
        call = self._call_type(
            self._ids.new("rtc"),
            user,
            rtc=options.rtc,
            show_agent=options.show_agent,
            allow_settings=options.allow_settings,
        )
        self._calls[call.id] = call
        try:
            context = user if self._context is None else self._context(user)
            if inspect.isawaitable(context):
                context = await context
            answer = await call.start(offer, self._runner, context=context, model_config=self._model_config)
            self._begin(call)
        except BaseException as error:
            del self._calls[call.id]
            await call.aclose()
            if isinstance(error, VivavoceError):
                _refuse(error)
            raise
        return call, answer

    def _begin(self, call: BrowserCall) -> None:
        self._check_open()  # it may have been closed while the session was opened
        task = self._tasks.spawn(self._carry(call), name=f"call {call.id}")
        assert task is not None, "it is open"
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, call: BrowserCall) -> None:
        try:
            await call.run(self._on_session, max_s=self._options.max_s)
        finally:
            self._calls.pop(call.id, None)
            logger.info("A call has ended", extra={"call_id": call.id, "reason": call.ended})
            await call.afterwards()

    def _check_room(self, user: Any) -> None:
        self._check_open()
        options = self._options
        retry = {"retry-after": str(RETRY_S)}
        if len(self._calls) >= options.max_calls:
            message = f"All {options.max_calls} lines are busy. Try again in a moment."
            refusal = Refusal(503, message, code="call_limit_reached", type="server_error", headers=retry)
            raise RefusedError(refusal)
        own = sum(call.user == user for call in self._calls.values())
        if options.max_calls_per_user is not None and own >= options.max_calls_per_user:
            lead = "are in a call" if own == 1 else f"have {own} calls"
            message = f"You {lead} already; end {'it' if own == 1 else 'one'} first."
            refusal = Refusal(
                429, message, code="user_call_limit_reached", type="rate_limit_error", headers=retry
            )
            raise RefusedError(refusal)

    def _check_open(self) -> None:
        if self._closed:
            message = "The application is about to end, and takes no more calls."
            raise RefusedError(Refusal(503, message, code="shutting_down", type="server_error"))
        if not self._watched:
            self._watched = True
            logger.warning("Calls will not end in order: give the application lifespan=calls.lifespan")


def _check(runner: object, on_session: object, context: object, options: object) -> None:
    if not isinstance(runner, RealtimeRunner):
        kind = type(runner).__name__
        raise ConfigurationError(
            f"runner must be a RealtimeRunner, got a {kind}: RealtimeRunner(agent) makes one"
        )
    for name, value in (("on_session", on_session), ("context", context)):
        if value is not None and not callable(value):
            raise ConfigurationError(f"{name} must be a function, got {value!r}")
    if not isinstance(options, CallOptions | None):
        raise ConfigurationError(f"options must be CallOptions(…), got {options!r}")


def _refuse(error: VivavoceError) -> NoReturn:
    """Answer what kept a call from beginning; only an offer's faults are the browser's business."""
    from vivavoce.errors import NoPortError, SdpError

    if isinstance(error, SdpError):
        raise RefusedError(Refusal(400, str(error), code="invalid_offer", param="sdp")) from error
    logger.error("A call from a browser could not begin: %s", error)
    if isinstance(error, NoPortError):
        message = "There is no port left for this call. Try again in a moment."
        headers = {"retry-after": str(RETRY_S)}
        raise RefusedError(
            Refusal(503, message, code="no_port_left", type="server_error", headers=headers)
        ) from error
    message = "The agent cannot be reached. The application's log says why."
    raise RefusedError(Refusal(502, message, code="agent_unavailable", type="server_error")) from error
