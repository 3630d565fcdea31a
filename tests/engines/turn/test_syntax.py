"""What words say about their end."""

import pytest

from vivavoce.engines.turn.syntax import NAMES, syntax_features


def told(transcript: str) -> set[str]:
    features = syntax_features(transcript)
    assert len(features) == len(NAMES)
    assert set(features) <= {0.0, 1.0}
    return {name for name, feature in zip(NAMES, features, strict=True) if feature}


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("", {"unknown"}),
        ("...", {"unknown"}),
        ("I put it on the", {"article"}),
        ("we leave from", {"preposition"}),
        ("milk and", {"conjunction"}),
        ("I would like um", {"filler"}),
        ("um", set()),
        ("the weather is", {"auxiliary"}),
        ("and then I", {"subject"}),
        ("please send", {"wanting"}),
        ("my number is five five", {"number"}),
        ("room 12", {"number"}),
        ("it was very", {"modifier"}),
        ("call me tomorrow", {"closer"}),
        ("Yes, please.", {"closer", "answer"}),
        ("if you go home", {"opener"}),
        ("If you go home.", set()),
        ("What time is dinner", {"question"}),
        ("Turn the lights off", {"preposition"}),
    ],
)
def test_the_end_of_words(transcript: str, expected: set[str]) -> None:
    assert told(transcript) == expected
