import pytest

from vivavoce.agents.docstrings import parse_docstring

GOOGLE = """Book a table.

    Only for today.

    Args:
        party (int): how many
            people come.
        time: when, for example
            `19:30`.

    Returns:
        The booking: a number.
    """

NUMPY = """Book a table.

    Only for today.

    Parameters
    ----------
    party : int
        how many
        people come.
    time
        when, for example `19:30`.

    Returns
    -------
    str
        The booking: a number.
    """

SPHINX = """Book a table.

    Only for today.

    :param int party: how many
        people come.
    :param time: when, for example `19:30`.
    :returns: the booking
    :raises ValueError: never
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_the_three_styles_say_the_same(text: str) -> None:
    parsed = parse_docstring(text)
    assert parsed.description == "Book a table.\n\nOnly for today."
    assert parsed.parameters == {"party": "how many people come.", "time": "when, for example `19:30`."}


@pytest.mark.parametrize(
    ("text", "description", "parameters"),
    [
        (None, "", {}),
        ("Just this.", "Just this.", {}),
        ("Note: colons in prose are fine.", "", {}),
        ("See time: now.", "See time: now.", {}),
        ("Do.\n\nReturns:\n    x: not a parameter\n\nArgs:\n    a: first", "Do.", {"a": "first"}),
        ("Do.\n\nParameters\n----------\nx, y : float\n    place", "Do.", {"x": "place", "y": "place"}),
        ("Do.\n\nArgs:\n    stray line\n    a: first", "Do.", {"a": "first"}),
        ("Do.\n\nParameters\n----------\n    stray\nx\n    place", "Do.", {"x": "place"}),
    ],
)
def test_odd_docstrings(text: str | None, description: str, parameters: dict[str, str]) -> None:
    parsed = parse_docstring(text)
    assert (parsed.description, parsed.parameters) == (description, parameters)
