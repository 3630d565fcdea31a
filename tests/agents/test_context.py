from __future__ import annotations

from vivavoce import protocol
from vivavoce.agents import RunContextWrapper, ToolContext, Usage


def test_a_context_holds_the_users_object_and_a_usage_of_its_own() -> None:
    one, two = RunContextWrapper({"user": "Kim"}), RunContextWrapper({"user": "Kim"})
    assert one.context == {"user": "Kim"}
    assert one.usage == Usage()
    assert one.usage is not two.usage


def test_the_context_of_a_call_is_a_run_context_with_the_same_usage() -> None:
    usage = Usage()
    context = ToolContext({"user": "Kim"}, usage)
    assert isinstance(context, RunContextWrapper)
    assert context.context == {"user": "Kim"}
    assert context.usage is usage


def test_the_context_of_a_call_knows_the_call() -> None:
    context = ToolContext(None, call_id="call_1", tool_name="wave", arguments='{"a":1}')
    assert (context.call_id, context.tool_name, context.arguments) == ("call_1", "wave", '{"a":1}')
    assert (context.tool_call_id, context.tool_arguments) == ("call_1", '{"a":1}')
    assert (context.agent, context.history, context.say) == (None, (), None)


def test_the_history_has_a_json_form() -> None:
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
    call = {"type": "function_call", "call_id": "c", "name": "wave", "arguments": "{}"}
    context = ToolContext(None, history=(protocol.item_from(said), protocol.item_from(call)))
    assert context.history_json() == [said, call]
    assert [protocol.item_from(form) for form in context.history_json()] == list(context.history)
