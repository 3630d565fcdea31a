"""What tests of voice programs need, for this project's own tests and for its users'.

What lives here: the virtual clock (`run`, `VirtualClockLoop`), and stand-ins for the parts of a session that
a test wants to script. What may not: anything a running program needs, pytest itself, real waiting.
Who may import it: tests and `cli`; no other room.
"""

from vivavoce.testing.clock import VirtualClockLoop, run

__all__ = ["VirtualClockLoop", "run"]
