"""The shared fixtures speak as they promise, and no skip gets past `VIVAVOCE_REQUIRE_ALL`."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

SKIPPING = """
import pytest

def test_passes():
    pass

@pytest.mark.skip(reason="no browser here")
def test_skips():
    raise AssertionError

def test_skips_halfway():
    pytest.skip("no telephone here")

@pytest.mark.xfail(reason="known", strict=True)
def test_is_expected_to_fail():
    raise AssertionError
"""


def shape(path: Path) -> tuple[int, int, int]:
    with wave.open(str(path)) as clip:
        assert clip.getnframes() > clip.getframerate() / 4
        return clip.getnchannels(), clip.getsampwidth(), clip.getframerate()


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of its own that has this project's conftest and two test modules that skip."""
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text())
    pytester.makepyfile(
        test_some=SKIPPING,
        test_whole=f"import pytest; pytest.importorskip({'no_such_package'!r})",
    )
    return pytester


def test_a_skip_is_a_skip_where_that_is_allowed(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIVAVOCE_REQUIRE_ALL", raising=False)
    suite.runpytest_subprocess().assert_outcomes(passed=1, skipped=3, xfailed=1)


def test_a_skip_is_a_failure_where_everything_must_run(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVAVOCE_REQUIRE_ALL", "1")
    result = suite.runpytest_subprocess("--continue-on-collection-errors")
    result.assert_outcomes(passed=1, failed=1, errors=2, xfailed=1)
    for missing in ("no browser here", "no telephone here", "could not import 'no_such_package'"):
        result.stdout.fnmatch_lines_random([f"*a skip is a failure*{missing}*"])


def test_speech_is_synthesised_once_in_the_protocols_format(speech_clip: Callable[..., Path]) -> None:
    clip = speech_clip("good morning")
    assert shape(clip) == (1, 2, 24_000)
    assert speech_clip("good morning") == clip
    assert speech_clip("good morning", "rms").read_bytes() != clip.read_bytes()


def test_recorded_prompts_come_with_their_words(
    recorded_prompt: Callable[[str], tuple[Path, str]],
) -> None:
    clip, words = recorded_prompt("vm-goodbye")
    assert shape(clip) == (1, 2, 24_000)
    assert words == "Goodbye"
    with pytest.raises(KeyError):
        recorded_prompt("no-such-prompt")


def test_whoever_needs_speech_is_marked(request: pytest.FixtureRequest) -> None:
    marked = {item.name for item in request.session.items if item.get_closest_marker("speech")}
    assert "test_recorded_prompts_come_with_their_words" in marked
    assert request.node.name not in marked
    assert (
        shutil.which("flite") is None or "test_speech_is_synthesised_once_in_the_protocols_format" in marked
    )
