"""The plain HTTP routes beside the realtime socket, each file its own part of the API.

What lives here: client secrets, models, health, calls, and speech and transcription as single requests.
What may not: WebSockets; what a session decides.
Who may import it: `server.app`.
"""
