"""What the model is given to read: the conversation as the person knows it, cut to what fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vivavoce.conversation.ids import IdSource
from vivavoce.conversation.images import image_tokens
from vivavoce.conversation.items import Items, Record
from vivavoce.conversation.settings import Session
from vivavoce.conversation.tokens import Tokens, fit_context, fixed_tokens, tokens_of
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    FunctionTool,
    InputAudio,
    InputItem,
    Item,
    ItemReference,
    MessageItem,
    OutputAudio,
    OutputText,
    RealtimeSession,
    present,
    replace,
)


@dataclass(frozen=True, slots=True)
class GivenContext:
    """What the model reads.

    Attributes:
        items: oldest first.
        tokens: what they cost, with instructions and tools.
        left_out: ids of the older items for which there is no room.
    """

    items: tuple[Item, ...]
    tokens: Tokens
    left_out: tuple[str, ...] = ()


def context_records(input_items: Sequence[InputItem], items: Items, ids: IdSource) -> list[Record]:
    """Return the context that a client gave for one response.

    Raises:
        RemoteProtocolError: a reference names an item that is not there, or an item cannot be used.
    """
    records = []
    for index, item in enumerate(input_items):
        if not isinstance(item, ItemReference):
            check_item(item, f"response.input[{index}]")
            check_readable(item, f"response.input[{index}]")
            pictures = image_tokens(item, f"response.input[{index}]")
            item_id = present(item.id, None) or ids.new("item")
            records.append(Record(accepted(item, item_id), image_tokens=pictures))
            continue
        record = items.get(item.id)
        if record is None:
            raise RemoteProtocolError(
                f"Item with item_id not found: {item.id}",
                code="invalid_value",
                param=f"response.input[{index}].id",
            )
        records.append(record)
    return records


def give_context(
    records: Iterable[Record],
    instructions: str,
    tools: Sequence[FunctionTool],
    limit: int,
    session: Session,
) -> GivenContext | None:
    """Choose what the model reads.

    Returns:
        The items, newest kept; `None` when they do not fit and none may be left out, see `fit_context`.
    """
    known = [record for record in records if _is_known(record.item)]
    truncation = session.truncation if isinstance(session, RealtimeSession) else "auto"
    fixed = fixed_tokens(instructions, tools)
    fit = fit_context([tokens_of(record) for record in known], fixed, limit, truncation)
    if fit is None:
        return None
    return GivenContext(
        tuple(record.item for record in known[fit.first :]),
        fit.tokens + Tokens(text=fixed),
        tuple(str(record.item.id) for record in known[: fit.first]),
    )


def _is_known(item: Item) -> bool:
    """Whether the item is finished, and was not an answer of which nothing was heard or half a call."""
    if not isinstance(item, MessageItem) or item.role != "assistant":
        return present(getattr(item, "status", "completed"), "completed") == "completed"
    return item.status != "in_progress" and any(
        (isinstance(part, OutputAudio) and part.transcript) or (isinstance(part, OutputText) and part.text)
        for part in item.content
    )


def accepted(item: Item, item_id: str) -> Item:
    """Return a client's item as it counts: complete, whatever `status` the client gave it."""
    changes: dict[str, Any] = {"id": item_id}
    if hasattr(item, "status"):
        changes["status"] = "completed"
    return replace(item, **changes)


_CONTENT_OF_ROLE = {
    "system": ("input_text",),
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text", "output_audio"),
}


def check_item(item: Item, param: str) -> None:
    """Refuse an item that a client may not make.

    Raises:
        RemoteProtocolError: naming the part that does not fit the role.
    """
    if not isinstance(item, MessageItem):
        return
    allowed = _CONTENT_OF_ROLE[item.role]
    for index, part in enumerate(item.content):
        if part.type not in allowed:
            listed = ", ".join(f"'{kind}'" for kind in allowed)
            raise RemoteProtocolError(
                f"Invalid value: '{part.type}'. Supported values are: {listed}.",
                code="invalid_value",
                param=f"{param}.content[{index}].type",
            )
        if isinstance(part, OutputAudio) and part.audio:
            raise RemoteProtocolError(
                "Assistant audio cannot be put into a conversation; use output_text.",
                code="invalid_value",
                param=f"{param}.content[{index}].audio",
            )


def check_readable(item: Item, param: str) -> None:
    """Refuse speech without a transcript where nothing will transcribe it.

    Raises:
        RemoteProtocolError: naming the part.
    """
    for index, part in enumerate(item.content if isinstance(item, MessageItem) else ()):
        if isinstance(part, InputAudio) and present(part.transcript, None) is None:
            raise RemoteProtocolError(
                "Audio in the input of a response needs its transcript. Or create the item first and refer "
                "to it with an item_reference: it is transcribed then.",
                code="invalid_value",
                param=f"{param}.content[{index}].transcript",
            )
