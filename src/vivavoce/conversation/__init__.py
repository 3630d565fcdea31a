"""The heart: a realtime conversation as plain objects that decide and never wait.

What lives here: `ServerConversation` (the server's side of the Realtime API) and `ClientConversation` (the
SDK's mirror of it), with the machines they are made of: items, input buffer, turn detection, responses,
playout, truncation, tokens. Time comes in as `now` (seconds on any steady clock), ids from an `IdSource`.
What may not: asyncio, sockets, clocks, randomness, logging, engines, audio arithmetic beyond bytes and ms.
Who may import it: every room above it (`engines`, `pipeline`, `connections`, `session`, `server` …).

The way of a barge-in: `listening.Listener` hears speech begin → `server.ServerConversation._speech_started`
decides whether it interrupts → `answering.Responder.cancel` ends the response.
"""
