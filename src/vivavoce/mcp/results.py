"""What a tool of an MCP server returned, as text for a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp.types import CallToolResult


def is_error(result: CallToolResult) -> bool:
    """Tell whether the tool says that it failed.

    Args:
        result: what the call returned; results of other versions of the package `mcp` are understood too.
    """
    return bool(_either(result, "is_error", "isError"))


def result_text(result: CallToolResult) -> str:
    """Return a result as text for a model.

    Texts are joined by line breaks. A result that has only structured content is that content as JSON.
    Images, audio and files, which a model cannot read in a tool's output, are described in square brackets.

    Args:
        result: what the call returned.
    """
    structured = _either(result, "structured_content", "structuredContent")
    blocks = list(result.content or ())
    # Where there are both, the text is the structured content written out: once is enough.
    if structured is not None and not any(getattr(block, "type", "") == "text" for block in blocks):
        written = json.dumps(structured, ensure_ascii=False, default=str)
        return "\n".join([written, *map(_block_text, blocks)])
    return "\n".join(map(_block_text, blocks))


def _either(thing: Any, name: str, former: str) -> Any:
    return getattr(thing, name, None) if hasattr(thing, name) else getattr(thing, former, None)


def _block_text(block: Any) -> str:
    kind = getattr(block, "type", "")
    if kind == "text":
        return str(block.text)
    if kind in {"image", "audio"}:
        return _described(kind, _media_type(block), _size(block.data))
    if kind == "resource":
        resource = block.resource
        text = getattr(resource, "text", None)
        if text is not None:
            return f"{resource.uri}:\n{text}"
        return _described("file", resource.uri, _media_type(resource), _size(getattr(resource, "blob", "")))
    if kind == "resource_link":
        return _described("file", block.uri, _media_type(block), block.description)
    return _described(kind or "content", "of a kind that cannot be shown")


def _media_type(block: Any) -> object:
    return _either(block, "mime_type", "mimeType")


def _size(base64_text: str) -> str:
    # Of four characters of base64, three bytes; the padding does not matter at this precision.
    return f"{len(base64_text) * 3 // 4} bytes"


def _described(*words: object) -> str:
    return f"[{', '.join(str(word) for word in words if word)}]"
