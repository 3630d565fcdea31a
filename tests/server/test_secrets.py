"""Client secrets."""

from __future__ import annotations

import base64
import json
import secrets
import zlib

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.protocol import FunctionTool, RealtimeSession, TranscriptionSession
from vivavoce.server.secrets import MAX_SECRET_CHARS, ClientSecret, ClientSecrets, _derived

KEY = "a key of the operator"
SESSION = RealtimeSession(
    model="mine",
    instructions="Sprich Deutsch: grüß Gott!",
    tools=[FunctionTool(name="weather", description="", parameters={"type": "object"})],
)
SECRET = ClientSecret(SESSION, 1_700_000_600, "shop", "0011223344556677")


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        ClientSecret(TranscriptionSession(), 5),
        ClientSecret(RealtimeSession(temperature=0.7, prompt=None), 5),
    ],
)
def test_what_was_minted_is_read_by_every_process_with_the_key(secret: ClientSecret) -> None:
    token = ClientSecrets([KEY]).mint(secret)
    assert token.startswith("ek_")
    assert ClientSecrets([KEY]).read(token) == secret
    assert ClientSecrets(["another operator's key"]).read(token) is None


def test_a_token_can_stand_in_a_subprotocol_and_shows_nothing_of_what_is_inside() -> None:
    token = ClientSecrets([KEY]).mint(SECRET)
    assert all(char.isalnum() or char in "-_" for char in token)
    raw = base64.urlsafe_b64decode(token.removeprefix("ek_") + "==")
    assert b"weather" not in raw
    assert not any(raw[index : index + 1] == b"x" and _inflates(raw[index:]) for index in range(len(raw)))


def _inflates(data: bytes) -> bool:
    try:
        return len(zlib.decompressobj().decompress(data)) > 20
    except zlib.error:
        return False


def test_a_secret_key_can_be_replaced_while_its_tokens_live() -> None:
    old = ClientSecrets([KEY]).mint(SECRET)
    both = ClientSecrets(["the operator's new key", KEY])
    assert both.read(old) == SECRET
    assert ClientSecrets(["the operator's new key"]).read(both.mint(SECRET)) == SECRET


def test_without_a_secret_key_every_process_has_its_own() -> None:
    one, other = ClientSecrets(), ClientSecrets()
    assert not one.shared
    assert one.read(one.mint(SECRET)) == SECRET
    assert other.read(one.mint(SECRET)) is None


@given(place=st.integers(min_value=0), char=st.characters(codec="latin-1"))
def test_a_token_with_anything_changed_is_none(place: int, char: str) -> None:
    made = ClientSecrets([KEY])
    token = made.mint(SECRET)
    place = 3 + place % (len(token) - 3)
    changed = token[:place] + char + token[place + 1 :]
    read = made.read(changed)
    # The last character of base64 may carry bits that mean nothing.
    assert read is None or (read == SECRET and (changed == token or place == len(token) - 1))


@pytest.mark.parametrize("token", ["", "ek_", "sk-1", "ek_x", "ek_\udcff", "ek_ä", "ek_" + "A" * 10_000])
def test_anything_else_is_no_token(token: str) -> None:
    assert ClientSecrets([KEY]).read(token) is None


@pytest.mark.parametrize(
    "content",
    [
        b"no zlib",
        zlib.compress(b"no json"),
        zlib.compress(b"[]"),
        zlib.compress(json.dumps({"session": {"type": "unheard-of"}, "expires_at": 1}).encode()),
        zlib.compress(json.dumps({"session": {"type": "realtime"}, "expires_at": "soon"}).encode()),
    ],
)
def test_a_token_of_another_version_is_none(content: bytes) -> None:
    token = "ek_" + Fernet(_derived(KEY)).encrypt(content).decode().rstrip("=")
    assert ClientSecrets([KEY]).read(token) is None


def test_settings_that_no_header_can_carry_are_refused() -> None:
    long = RealtimeSession(instructions="".join(secrets.token_hex(8) for _ in range(1000)))
    with pytest.raises(RemoteProtocolError, match=f"{MAX_SECRET_CHARS} fit") as caught:
        ClientSecrets([KEY]).mint(ClientSecret(long, 1))
    assert caught.value.param == "session"


def test_repetitive_instructions_take_little_room() -> None:
    long = RealtimeSession(instructions="Be brief. Say what you know and nothing else. " * 400)
    assert len(ClientSecrets([KEY]).mint(ClientSecret(long, 1))) < 1000


def test_a_secret_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="16 characters"):
        ClientSecrets([KEY, "short"])
