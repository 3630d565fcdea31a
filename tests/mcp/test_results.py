from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from vivavoce.mcp import is_error, result_text


def text(words: str) -> TextContent:
    return TextContent(type="text", text=words)


def test_texts_are_joined() -> None:
    assert result_text(CallToolResult(content=[text("one"), text("two")])) == "one\ntwo"
    assert result_text(CallToolResult(content=[])) == ""


def test_structured_content_is_json_where_there_is_no_text() -> None:
    both = CallToolResult(content=[text("3 °C")], structured_content={"celsius": 3})
    assert result_text(both) == "3 °C"
    alone = CallToolResult(content=[], structured_content={"town": "Köln"})
    assert result_text(alone) == '{"town": "Köln"}'
    picture = ImageContent(type="image", data="QUJD", mime_type="image/png")
    pictured = CallToolResult(content=[picture], structured_content={"town": "Köln"})
    assert result_text(pictured) == '{"town": "Köln"}\n[image, image/png, 3 bytes]'


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (AudioContent(type="audio", data="QUJDREVG", mime_type="audio/wav"), "[audio, audio/wav, 6 bytes]"),
        (
            EmbeddedResource(
                type="resource", resource=TextResourceContents(uri="file:///a.txt", text="hello")
            ),
            "file:///a.txt:\nhello",
        ),
        (
            EmbeddedResource(
                type="resource",
                resource=BlobResourceContents(uri="file:///a.bin", blob="QUJD", mime_type="x/y"),
            ),
            "[file, file:///a.bin, x/y, 3 bytes]",
        ),
        (
            ResourceLink(type="resource_link", name="a", uri="file:///a.pdf", description="the contract"),
            "[file, file:///a.pdf, the contract]",
        ),
        (SimpleNamespace(type="hologram"), "[hologram, of a kind that cannot be shown]"),
        (SimpleNamespace(), "[content, of a kind that cannot be shown]"),
    ],
)
def test_what_is_no_text_is_described(block: Any, words: str) -> None:
    assert result_text(SimpleNamespace(content=[block], structured_content=None)) == words  # type: ignore[arg-type]


def test_a_failure_is_told_apart_also_in_the_older_spelling() -> None:
    assert is_error(CallToolResult(content=[text("no")], is_error=True))
    assert not is_error(CallToolResult(content=[text("yes")]))
    former: Any = SimpleNamespace(content=None, isError=True, structuredContent={"a": 1})
    assert is_error(former)
    assert result_text(former) == '{"a": 1}'
