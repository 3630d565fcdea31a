"""What tests let servers say is judged by the official clients, in every run: see `tests/frames.py`."""

pytest_plugins = ("tests.frames",)
