"""Approval before a tool runs, by a callback: in your program it may ask a person.

python examples/voice_agents/approval.py

`examples/approvals.py` does the same while reading the session's events.
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool
from vivavoce.session.events import RealtimeToolApprovalRequired


@function_tool(needs_approval=True)
def send_email(recipient: str) -> str:
    """Send an email.

    Args:
        recipient: name of the person.
    """
    return f"The email to {recipient} is on its way."


agent = RealtimeAgent(name="Secretary", instructions="Send emails.", tools=[send_email])


async def main() -> None:
    """Approve the first call and reject the second."""
    async with await RealtimeRunner(agent, model="local").run() as session:

        async def decide(request: RealtimeToolApprovalRequired) -> None:
            # show a UI to the user to approve or reject the tool call
            print(f"[{request.agent.name} asks for {request.tool.name} {request.arguments}]")
            if "Ada" in request.arguments:
                await session.approve(request)
            else:
                await session.reject(request, rejection_message="Emails go to Ada only.")

        session.on("tool_approval_required", decide)
        for message in ("Send an email to Ada.", "Send an email to Bob."):
            print(f"You:   {message}")
            await session.send_message(message)
            async for event in session:
                if event.type == "response.output_audio_transcript.done":
                    print(f"Agent: {event.transcript}")
                    break


if __name__ == "__main__":
    asyncio.run(main())
