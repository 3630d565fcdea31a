"""`vivavoce keys`."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from vivavoce.cli import main
from vivavoce.server.keys import ApiKeys
from vivavoce.server.keys_file import read_keys_file


def test_a_new_key_opens_the_server_that_knows_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "new", "web.shop"]) == 0
    output = capsys.readouterr()
    key = output.out.strip()
    assert key.startswith("sk-")
    assert len(key) > 40
    assert key not in output.err
    file = tmp_path / "keys.toml"
    file.write_text(output.err)
    found = ApiKeys(read_keys_file(file)).find([key])
    assert found is not None
    assert found.name == "web.shop"
    assert main(["keys", "new", "web.shop"]) == 0
    assert capsys.readouterr().out.strip() != key


def test_a_key_that_is_there_is_hashed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-1\n"))
    assert main(["keys", "hash", "shop"]) == 0
    digest = hashlib.sha256(b"sk-1").hexdigest()
    assert capsys.readouterr().out == f'"shop" = "sha256:{digest}"\n'


@pytest.mark.parametrize(("arguments", "words"), [(("hash", "a"), "no key"), (("new", "a name"), "no name")])
def test_what_cannot_be_a_key_is_one_line(
    arguments: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["keys", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert words in output.err
