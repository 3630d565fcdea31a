"""OpenAI's server under the names of `openai-agents`."""

from __future__ import annotations

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.openai_agents.realtime import (
    OpenAIRealtimeSIPModel,
    OpenAIRealtimeWebSocketModel,
    RealtimeAgent,
    RealtimeRunner,
    get_api_key,
)
from vivavoce.testing import run


async def a_key() -> str:
    return "sk-later"


def test_where_a_key_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    assert run(get_api_key("sk-given")) == "sk-given"
    assert run(get_api_key(lambda: "sk-made")) == "sk-made"
    assert run(get_api_key(a_key)) == "sk-later"
    assert run(get_api_key(None)) == "sk-environment"
    monkeypatch.delenv("OPENAI_API_KEY")
    assert run(get_api_key(None)) is None


def test_limits_of_the_line_are_checked() -> None:
    limits = {"ping_interval": None, "ping_timeout": 5.0, "handshake_timeout": 3.0, "max_size": 1 << 20}
    assert OpenAIRealtimeWebSocketModel(transport_config=limits) is not None
    with pytest.raises(ConfigurationError, match="pong"):
        OpenAIRealtimeWebSocketModel(transport_config={"pong": 1})


def test_a_call_must_be_named() -> None:
    async def main() -> None:
        agent: RealtimeAgent[None] = RealtimeAgent("Ada")
        session = await RealtimeRunner(agent, model=OpenAIRealtimeSIPModel()).run()
        with pytest.raises(ConfigurationError, match="call_id"):
            await session.enter()

    run(main())


def test_a_call_that_is_named_is_connected_to() -> None:
    """There is no key, which is asked for when the address is known."""

    async def main() -> None:
        with pytest.raises(ConfigurationError, match="key"):
            await OpenAIRealtimeSIPModel().connect({"call_id": "rtc_1", "api_key": lambda: ""})

    run(main())
