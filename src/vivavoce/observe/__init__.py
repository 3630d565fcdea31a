"""Seeing inside a session: traces, usage and cost, logs, recordings.

What lives here: the port `SessionObserver`, and a module for each observer of ours: `tracing`, `usage` with
`prices`, `logs`, `recorder`. `recording` reads what a recorder wrote.
What may not: anything that changes a conversation. Sessions, agents and connections are not known here; their
events are told apart by `type`.
Who may import it: `connections` and the rooms above it.
"""

from vivavoce.observe.base import SessionObserver

__all__ = ["SessionObserver"]
