from __future__ import annotations

from vivavoce.agents import RunContextWrapper, ToolContext, Usage


def test_a_tool_context_is_a_run_context_with_the_same_usage() -> None:
    usage = Usage()
    context = ToolContext({"user": "Kim"}, usage, call_id="c1", tool_name="wave")
    assert isinstance(context, RunContextWrapper)
    assert (context.context["user"], context.call_id, context.tool_name) == ("Kim", "c1", "wave")
    assert context.usage is usage


def test_every_context_counts_for_itself() -> None:
    assert RunContextWrapper(None).usage is not RunContextWrapper(None).usage
