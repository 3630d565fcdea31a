"""Measurements of vivavoce, run by `python -m bench`; see README.md. Nothing imports them."""
