from __future__ import annotations

from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.web import CallOptions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_calls": 0}, "max_calls must be a whole number, 1 or more, got 0"),
        ({"max_calls": None}, "max_calls must be a whole number, 1 or more, got None"),
        ({"max_calls": "5"}, "max_calls must be a whole number, 1 or more, got '5'"),
        ({"max_calls_per_user": 1.5}, "max_calls_per_user must be a whole number, 1 or more, got 1.5"),
        ({"max_calls_per_user": True}, "max_calls_per_user must be a whole number, 1 or more, got True"),
        ({"max_s": 0}, "max_s must be 1 or more, got 0"),
        ({"max_s": float("nan")}, "max_s must be 1 or more, got nan"),
        ({"rtc": {"udp_ports": (1, 2)}}, "rtc must be an RtcConfig, got a dict"),
        ({"allow_settings": "audio.output.speed"}, r"the text .*; give a tuple: \('audio.output.speed',\)"),
        ({"allow_settings": {"audio.output.speed": 1.0}}, "must be a tuple of paths like"),
        ({"allow_settings": (5,)}, "must be a tuple of paths like"),
        ({"allow_settings": ("audio.output.sped",)}, "did you mean 'audio.output.speed'?"),
        ({"allow_settings": ("speed",)}, "no setting 'speed'; did you mean 'audio.output.speed'?"),
        ({"allow_settings": ("",)}, "no setting ''; a path is like 'audio.output.speed'"),
        ({"allow_settings": ("audio.output.speed.x",)}, "no setting 'audio.output.speed.x'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words.replace("?", r"\?")):
        CallOptions(**options)


def test_what_can_be_is_taken() -> None:
    paths = (
        "audio",
        "audio.output.speed",
        "audio.input.turn_detection.type",
        "audio.input.turn_detection.eagerness",
        "audio.input.format.rate",
        "instructions",
        "prompt.variables.customer",
    )
    options = CallOptions(max_calls=1, max_calls_per_user=1, max_s=None, allow_settings=paths)
    assert options.allow_settings == paths
