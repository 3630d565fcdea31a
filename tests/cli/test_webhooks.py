"""`vivavoce webhooks`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from vivavoce.cli import EXIT_FAILED, main
from vivavoce.cli.webhooks import EXIT_NOT_ACCEPTED, SECRET_VARIABLE
from vivavoce.errors import WebhookVerificationError
from vivavoce.webhooks import check_secret, unwrap

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="


@contextmanager
def receiver(secret: str) -> Iterator[tuple[str, list[str]]]:
    """The URL of a program that accepts what is signed with its secret, and the types that it accepted."""
    types: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                types.append(unwrap(body, dict(self.headers), secret=secret).type)
            except WebhookVerificationError as error:
                self.send_error(400, explain=str(error))
            else:
                self.send_response(200)
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
            """Be silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hooks", types
        finally:
            server.shutdown()
            thread.join()


def test_a_new_secret_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    made = set()
    for _ in range(2):
        assert main(["webhooks", "new"]) == 0
        made.add(capsys.readouterr().out.strip())
    assert len(made) == 2
    for secret in made:
        assert secret.startswith("whsec_")
        check_secret(secret)


def test_an_endpoint_that_knows_the_secret_accepts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(SECRET) as (url, types):
        assert main(["webhooks", "test", url, "--secret", SECRET]) == 0
        assert "accepted with HTTP 200 after" in capsys.readouterr().out
        monkeypatch.setenv(SECRET_VARIABLE, SECRET)
        assert main(["webhooks", "test", url, "--event", "realtime.call.incoming"]) == 0
    assert types == ["vivavoce.test", "realtime.call.incoming"]


def test_an_endpoint_that_does_not_is_told_of_with_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    with receiver("whsec_YW5vdGhlciBzZWNyZXQ=") as (url, types):
        assert main(["webhooks", "test", url, "--secret", SECRET]) == EXIT_NOT_ACCEPTED
    assert types == []
    output = capsys.readouterr().out
    assert "not accepted: HTTP 400" in output
    assert "No signature fits" in output
    assert SECRET not in output
    assert main(["webhooks", "test", url, "--secret", SECRET]) == EXIT_NOT_ACCEPTED
    assert "not accepted: no answer" in capsys.readouterr().out


def test_what_cannot_work_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    assert main(["webhooks", "test", "https://example.com"]) == EXIT_FAILED
    assert "needs a secret" in capsys.readouterr().err
    assert main(["webhooks", "test", "http://example.com", "--secret", SECRET]) == EXIT_FAILED
    assert "not encrypted" in capsys.readouterr().err
