"""The blocks of docs/guardrails.md as one program. Its model follows a script, on a clock that does not wait.

python examples/docs/guardrail_kinds.py
"""

import asyncio
import json
from typing import Any

from vivavoce import (
    GuardrailFunctionOutput,
    RealtimeAgent,
    RealtimeRunner,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    function_tool,
    input_guardrail,
    output_guardrail,
)
from vivavoce.agents import ToolInputGuardrailData
from vivavoce.testing import ScriptedRealtimeModel, run, spoken, tool_call

# --- what the agent says ------------------------------------------------------------------------------------


@output_guardrail(policy_hint="Prices are never promised.")
async def no_promises(_context: Any, _agent: Any, text: str) -> GuardrailFunctionOutput:
    """Trip on promises."""
    return GuardrailFunctionOutput(output_info=text, tripwire_triggered="promise" in text.lower())


# --- what the user says -------------------------------------------------------------------------------------


@input_guardrail(name="no secrets")
def no_secrets(_context: Any, _agent: Any, text: str) -> GuardrailFunctionOutput:
    """Trip on somebody who asks for a password. A plain function: it runs in a thread."""
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered="password" in text.lower())


# --- what a tool is given -----------------------------------------------------------------------------------


def small_amounts(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
    """Let small refunds pass."""
    if json.loads(data.context.arguments)["euros"] > 100:
        return ToolGuardrailFunctionOutput.reject_content("Refunds above 100 euros need a letter.")
    return ToolGuardrailFunctionOutput.allow()


@function_tool(tool_input_guardrails=[ToolInputGuardrail(small_amounts)])
def refund(euros: int) -> str:
    """Refund an order."""
    return f"{euros} euros are on their way."


agent = RealtimeAgent(
    name="Shop",
    instructions="Help with orders.",
    tools=[refund],
    output_guardrails=[no_promises],
    input_guardrails=[no_secrets],
)

CONFIG = {
    "guardrails_settings": {"debounce_text_length": 40, "hold_back": True, "on_failure": "trip"},
    "input_guardrails_settings": {"transcript_timeout_s": 5, "delete_item": True},
}

SCRIPT = (
    spoken("The sofa costs four hundred euros, and that is a promise.", pace=1.0),
    "I cannot say that for sure.",
    "I cannot help with that.",
    tool_call("refund", {"euros": 400}),
    "That needs a letter.",
)


async def main() -> None:
    """Ask for a promise, a password and a large refund."""
    runner = RealtimeRunner(agent, model=ScriptedRealtimeModel(SCRIPT), config=CONFIG)
    async with await runner.run() as session:
        session.on("guardrail_tripped", lambda event: print(f"[stopped: {event.message}]"))
        session.on("input_guardrail_tripped", lambda event: print(f"[not answered: {event.message}]"))
        session.on("tool_end", lambda event: print(f"[{event.tool.name}: {event.output}]"))
        session.on("agent_end", lambda event: print(f"Agent ({event.status}): {event.output}"))
        for question in ("Is that the price?", "What is your password?", "Refund 400 euros."):
            print(f"You: {question}")
            await session.send_message(question)
            await asyncio.sleep(10)


if __name__ == "__main__":
    run(main())
