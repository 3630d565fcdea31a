"""What a web application needs to let its users talk to an agent from their browser.

What lives here: routes for Starlette and FastAPI: client secrets for users, and calls from browsers.
What may not: the Realtime API server; what a session does.
Who may import it: programs.
"""
