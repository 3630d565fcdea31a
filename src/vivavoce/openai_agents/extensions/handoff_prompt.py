"""Words for the instructions of agents that hand off to each other."""

RECOMMENDED_PROMPT_PREFIX = (
    "# Your team\n"
    "You are one of several agents who serve the same user together. Each has a task of its own. When "
    "another one is better suited, hand the conversation over to it: call the function whose name is "
    "`transfer_to_` and that agent's name. Say nothing of it; for the user it is one conversation.\n"
)
"""What to put before an agent's own instructions."""


def prompt_with_handoff_instructions(prompt: str) -> str:
    """Return instructions with `RECOMMENDED_PROMPT_PREFIX` before them."""
    return f"{RECOMMENDED_PROMPT_PREFIX}\n\n{prompt}"
