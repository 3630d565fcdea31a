"""Handoffs between agents of the room."""

from __future__ import annotations

from vivavoce.openai_agents.realtime import RealtimeAgent
from vivavoce.openai_agents.realtime.handoffs import realtime_handoff


def test_a_handoff_leads_to_an_agent() -> None:
    agent: RealtimeAgent[None] = RealtimeAgent("Seat booking")
    handoff = realtime_handoff(agent, tool_description_override="For seats.")
    assert handoff.agent is agent
    assert (handoff.tool_name, handoff.tool_description) == ("transfer_to_seat_booking", "For seats.")
