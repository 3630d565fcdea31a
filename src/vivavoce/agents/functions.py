"""`function_tool`: a function as something an agent can do."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from vivavoce.agents.schema import function_schema
from vivavoce.agents.tool import FailureMessage, FunctionTool, default_tool_error
from vivavoce.errors import ConfigurationError, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.agents.context import ToolContext

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 32
"""Calls of plain functions that may run at once in this process."""


class _Threads(ThreadPoolExecutor):
    """Threads that run plain (not async) tools: apart from the loop's own, and no call waits for another.

    Args:
        most: calls that may run at once.
    """

    def __init__(self, most: int) -> None:
        super().__init__(max_workers=most, thread_name_prefix="vivavoce-tool")
        self._most = most
        self._free = threading.Semaphore(most)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call.

        Raises:
            ToolError: no thread is free.
        """
        if not self._free.acquire(blocking=False):
            raise ToolError(
                f"{self._most} calls of plain functions are running already; write tools that wait long as "
                "'async def'"
            )
        future = super().submit(fn, *args, **kwargs)
        # The thread is free when the call is over, not when somebody stops waiting for it.
        future.add_done_callback(lambda _: self._free.release())
        return future


@functools.cache
def _threads() -> _Threads:
    """Return the threads of this process."""
    return _Threads(THREADS)


@overload
def function_tool(function: Callable[..., Any], /) -> FunctionTool: ...


@overload
def function_tool(
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    use_docstring_info: bool = True,
    timeout: float | None = None,
    failure_error_function: FailureMessage | None = default_tool_error,
) -> Callable[[Callable[..., Any]], FunctionTool]: ...


def function_tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    use_docstring_info: bool = True,
    timeout: float | None = None,
    failure_error_function: FailureMessage | None = default_tool_error,
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Make a tool of a function; usable as ``@function_tool`` and as ``@function_tool(timeout=5)``.

    The model sees the function's name, its docstring and its parameters: types from the hints, descriptions
    from ``Annotated[str, "…"]``, ``Field(description="…")`` or the docstring. Its arguments are checked
    strictly. A first parameter hinted `ToolContext` or `RunContextWrapper` receives the context and is not
    shown to the model. An async function runs on the event loop, a plain function in one of 32 threads that
    all sessions share; when they are all busy the call fails at once. Use async functions for long waits.

    Args:
        function: plain or async.
        name_override: name for the model, instead of the function's.
        description_override: description for the model, instead of the docstring's.
        use_docstring_info: take descriptions from the docstring.
        timeout: seconds a call may take; ``None`` is 300. A thread cannot be stopped: a plain function runs
            on, its result unused.
        failure_error_function: ``(context, error) -> str``, plain or async: writes the output for the model
            when a call fails. ``None`` tells the model no more than that the tool failed.

    Raises:
        ConfigurationError: the function cannot be described to a model; the message names the parameter.
    """

    def decorate(target: Callable[..., Any]) -> FunctionTool:
        if not callable(target):
            raise ConfigurationError(f"function_tool takes a function, got {target!r}")
        schema = function_schema(target, use_docstring=use_docstring_info)

        async def invoke(context: ToolContext[Any], arguments: str) -> Any:
            given = schema.parse(arguments)
            call = functools.partial(target, *([context] if schema.takes_context else []), **given)
            return await _run(call, is_async=inspect.iscoroutinefunction(target))

        return FunctionTool(
            name=schema.name if name_override is None else name_override,
            description=schema.description if description_override is None else description_override,
            params_json_schema=schema.parameters,
            on_invoke_tool=invoke,
            timeout=timeout,
            failure_error_function=failure_error_function,
        )

    return decorate if function is None else decorate(function)


async def _run(call: Callable[[], Any], *, is_async: bool) -> Any:
    if is_async:
        return await call()
    variables = contextvars.copy_context()
    result = await asyncio.get_running_loop().run_in_executor(_threads(), variables.run, call)
    return await result if inspect.isawaitable(result) else result
