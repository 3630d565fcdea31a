"""Engines that take noise out of what a person says.

What may not live here: anything about sessions. Who may import it: `pipeline` and the rooms above it.
"""
