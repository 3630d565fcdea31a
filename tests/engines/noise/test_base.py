"""The port of a noise filter."""

from vivavoce.engines.noise.base import FRAME_MS, NoiseReducer


class Silent:
    """Makes no filters."""

    def open(self, kind: str, strength: float, sample_rate: int) -> None:
        """Make none."""


def test_whatever_makes_filters_fits_the_port() -> None:
    assert isinstance(Silent(), NoiseReducer)
    assert not isinstance(object(), NoiseReducer)


def test_frames_are_whole_samples_at_every_rate_of_the_wire() -> None:
    assert all(rate * FRAME_MS % 1000 == 0 for rate in (8000, 24000))
