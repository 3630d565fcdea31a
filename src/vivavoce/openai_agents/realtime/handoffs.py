"""The handoffs of `agents.realtime.handoffs`."""

from vivavoce.agents import realtime_handoff

__all__ = ["realtime_handoff"]
