"""What a program written for `openai-agents` expects otherwise than it is at the front door of `vivavoce`.

A session of `vivavoce` tells more events than `openai-agents` knows, and its items are spelled as on the
wire. A program that counts on exactly those events, or reads items by the names of that SDK, imports these
names from here and all others from `vivavoce`.
"""

from vivavoce.session.config import RealtimeUserInputMessage

from .events import (
    RealtimeEventInfo,
    RealtimeModelItemUpdatedEvent,
    RealtimeModelRawServerEvent,
    RealtimeModelUsageEvent,
    RealtimeSessionEvent,
)
from .items import (
    AssistantAudio,
    AssistantMessageItem,
    AssistantText,
    InputAudio,
    InputImage,
    InputText,
    RealtimeItem,
    RealtimeToolCallItem,
    SystemMessageItem,
    UserMessageItem,
)
from .session import RealtimeModelSendRawMessage, RealtimeRunner, RealtimeSession

RECOMMENDED_PROMPT_PREFIX = (
    "# About your team\n"
    "You are one of several agents who serve the same user together. Each has a task of its own. "
    "When another one is better suited, hand the conversation over: call the function named `transfer_to_` "
    "and that agent's name. Say nothing about it, for the user is not to notice who speaks.\n"
)
"""What to put before the instructions of agents that hand off to each other."""

__all__ = [
    "RECOMMENDED_PROMPT_PREFIX",
    "AssistantAudio",
    "AssistantMessageItem",
    "AssistantText",
    "InputAudio",
    "InputImage",
    "InputText",
    "RealtimeEventInfo",
    "RealtimeItem",
    "RealtimeModelItemUpdatedEvent",
    "RealtimeModelRawServerEvent",
    "RealtimeModelSendRawMessage",
    "RealtimeModelUsageEvent",
    "RealtimeRunner",
    "RealtimeSession",
    "RealtimeSessionEvent",
    "RealtimeToolCallItem",
    "RealtimeUserInputMessage",
    "SystemMessageItem",
    "UserMessageItem",
]
