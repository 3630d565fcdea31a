from __future__ import annotations

import asyncio

import pytest

from vivavoce.session.renewal import RENEW_S, SHORT_LIFE, SHORTEST_S, Renewal
from vivavoce.testing import run


class Session:
    """A session at a server's clock, and when it was renewed."""

    def __init__(self, *, clock: bool = True) -> None:
        self.quiet = True
        self.renewed: list[float] = []
        self.renewal = Renewal((lambda: 1000.0) if clock else None, lambda: self.quiet, self._renew)

    def _renew(self) -> None:
        self.renewed.append(asyncio.get_running_loop().time())


@pytest.mark.parametrize(("life", "due"), [(3600, 3600 - RENEW_S), (100, 100 * (1 - SHORT_LIFE))])
def test_a_session_is_renewed_a_while_before_its_end(life: int, due: float) -> None:
    async def main() -> None:
        session = Session()
        begin = asyncio.get_running_loop().time()
        session.renewal.plan(1000 + life)
        await asyncio.sleep(life)
        assert [at - begin for at in session.renewed] == pytest.approx([due])

    run(main())


def test_a_session_is_renewed_once_and_when_it_is_quiet() -> None:
    async def main() -> None:
        session = Session()
        session.quiet = False
        session.renewal.plan(1000 + 100)
        session.renewal.look()
        await asyncio.sleep(80)
        session.renewal.look()
        assert session.renewed == []
        session.quiet = True
        session.renewal.look()
        session.renewal.look()
        assert len(session.renewed) == 1

    run(main())


@pytest.mark.parametrize(
    ("expires_at", "clock"), [(None, True), (2000, False), (1000 + int(SHORTEST_S) - 1, True), (10, True)]
)
def test_a_session_without_a_limit_is_never_renewed(expires_at: int | None, clock: bool) -> None:
    async def main() -> None:
        session = Session(clock=clock)
        session.renewal.plan(expires_at)
        await asyncio.sleep(5000)
        assert session.renewed == []

    run(main())


def test_a_plan_takes_the_place_of_another_and_can_be_taken_back() -> None:
    async def main() -> None:
        session = Session()
        session.renewal.plan(1000 + 100)
        session.renewal.plan(1000 + 1000)
        await asyncio.sleep(200)
        assert session.renewed == []
        session.renewal.cancel()
        session.renewal.cancel()
        await asyncio.sleep(2000)
        assert session.renewed == []

    run(main())
