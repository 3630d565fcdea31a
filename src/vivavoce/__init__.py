"""Voice agents in Python that talk in real time, and a Realtime API server to run them on."""

__version__ = "0.1.0"
