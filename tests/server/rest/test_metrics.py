"""`/metrics` over HTTP: what it shows, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vivavoce.server.metrics import CONTENT_TYPE, MetricsPolicy
from vivavoce.testing import run


def test_the_page_is_what_prometheus_reads(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(metrics=MetricsPolicy())
        answer = await home.ask("GET", "/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == CONTENT_TYPE
        assert answer.headers["cache-control"] == "no-store"
        assert "vivavoce_sessions 0.0" in answer.text.splitlines()
        await home.app.aclose()

    run(scenario())


def test_with_keys_it_needs_one_unless_it_is_open(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(metrics=MetricsPolicy(), api_keys=("sk-1",))
        assert (await home.refused("GET", "/metrics"))[:2] == (401, "invalid_api_key")
        assert (await home.ask("GET", "/metrics", "sk-1")).status_code == 200
        await home.app.aclose()
        home = house(metrics=MetricsPolicy(open=True), api_keys=("sk-1",))
        assert (await home.ask("GET", "/metrics")).status_code == 200
        await home.app.aclose()

    run(scenario())


def test_without_keys_it_is_for_this_machine(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(metrics=MetricsPolicy())
        proxied = {"x-forwarded-for": "203.0.113.5"}
        assert (await home.refused("GET", "/metrics", headers=proxied))[:2] == (403, "loopback_only")
        await home.app.aclose()

    run(scenario())


def test_there_is_no_page_unless_it_is_asked_for(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        assert (await house().refused("GET", "/metrics"))[:2] == (404, "not_found")

    run(scenario())
