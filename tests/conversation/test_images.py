"""What is a picture, how large it is, and what it costs."""

from __future__ import annotations

import struct
from base64 import b64encode
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation import images
from vivavoce.conversation.images import Picture, image_tokens, picture
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import ContentPart, FunctionCallItem, InputImage, InputText, MessageItem


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(9)


def jpeg(width: int, height: int, frame: int = 0xC0) -> bytes:
    header = b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + bytes(14)
    tables = b"\xff\xc4" + struct.pack(">H", 4) + bytes(2)
    odd = b"\xff\xff\x01\xff\xd0"  # padding and markers without a length
    return (
        header + tables + odd + bytes([0xFF, frame]) + struct.pack(">HBHH", 17, 8, height, width) + bytes(9)
    )


def url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{b64encode(data).decode()}"


def refusal(data_url: str) -> str:
    with pytest.raises(RemoteProtocolError) as refused:
        picture(data_url, "item.content[0].image_url")
    assert (refused.value.code, refused.value.param) == ("invalid_value", "item.content[0].image_url")
    return refused.value.message


def test_the_size_of_a_picture() -> None:
    assert picture(url(png(640, 480)), "p") == Picture(640, 480)
    for frame in (0xC0, 0xC2, 0xCF):
        assert picture(url(jpeg(640, 480, frame), "jpeg"), "p") == Picture(640, 480)
    assert picture(url(jpeg(1, 2), "JPG"), "p") == Picture(1, 2)


def test_pictures_as_programs_write_them() -> None:
    writer = pytest.importorskip("PIL.Image", reason="needs Pillow")
    for kind in ("png", "jpeg"):
        held = BytesIO()
        writer.new("RGB", (37, 21)).save(held, kind)
        assert picture(url(held.getvalue(), kind), "p") == Picture(37, 21)


@pytest.mark.parametrize(
    ("data_url", "words"),
    [
        ("https://example.com/cat.png", "Invalid value: 'https://example.com/cat.png'. Expected a data URL"),
        ("data:image/gif;base64,R0lGODlh", "Expected a data URL of a PNG or JPEG"),
        ("x" * 100, f"'{'x' * 40}…'"),
        ("data:image/png;base64,", "The data is no PNG picture."),
        ("data:image/png;base64,a", "not valid base64"),
        ("data:image/png;base64,ä", "not valid base64"),
        ("data:image/png;base64,aGk=\n", "not valid base64"),
        (url(png(1, 1), "jpeg"), "The data is no JPEG picture."),
        (url(jpeg(1, 1)), "The data is no PNG picture."),
        (url(png(0, 9)), "The data is no PNG picture."),
        (url(png(9, 0)), "The data is no PNG picture."),
        (url(png(9, 9)[:20]), "The data is no PNG picture."),
        (url(png(9, 9).replace(b"IHDR", b"IDAT")), "The data is no PNG picture."),
        (url(jpeg(9, 9)[:30], "jpeg"), "The data is no JPEG picture."),
        (url(b"\xff\xd8\xff\xe0" + bytes(40), "jpeg"), "The data is no JPEG picture."),
        (url(b"\xff\xd8\xff" + b"\xff" * 9000, "jpeg"), "The data is no JPEG picture."),
    ],
)
def test_what_is_no_picture(data_url: str, words: str) -> None:
    assert words in refusal(data_url)


def test_a_picture_may_not_be_huge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_IMAGE_BYTES", 2**20)
    assert picture(url(png(1, 1) + bytes(2**19)), "p") == Picture(1, 1)
    assert refusal(url(png(1, 1) + bytes(2**20))) == "The picture is larger than 1 MiB."


@given(st.binary(max_size=60), st.sampled_from(["png", "jpeg"]))
def test_any_bytes_are_a_picture_or_refused(data: bytes, kind: str) -> None:
    start = b"\x89PNG\r\n\x1a\n" if kind == "png" else b"\xff\xd8\xff"
    for held in (data, start + data):
        with suppress(RemoteProtocolError):
            assert picture(url(held, kind), "p").tokens("high") > 0


@pytest.mark.parametrize(
    ("width", "height", "detail", "tokens"),
    [
        (1, 1, "auto", 255),
        (512, 512, "high", 255),
        (513, 512, "high", 425),
        (1024, 1024, "high", 765),
        (2048, 4096, "high", 1105),
        (4096, 8192, "low", 85),
        (10_000, 1, "high", 85 + 4 * 170),
    ],
)
def test_what_a_picture_costs(width: int, height: int, detail: str, tokens: int) -> None:
    assert Picture(width, height).tokens(detail) == tokens


def test_the_pictures_of_an_item() -> None:
    parts: list[ContentPart] = [
        InputText(text="Which one?"),
        InputImage(image_url=url(png(9, 9))),
        InputImage(image_url=url(png(9, 9)), detail="low"),
    ]
    assert image_tokens(MessageItem(role="user", content=parts), "item") == 255 + 85
    assert image_tokens(FunctionCallItem(name="look", arguments="{}"), "item") == 0
    with pytest.raises(RemoteProtocolError) as refused:
        image_tokens(MessageItem(role="user", content=[*parts, InputImage(image_url="no")]), "item")
    assert refused.value.param == "item.content[3].image_url"
