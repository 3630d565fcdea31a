from __future__ import annotations

import asyncio
import threading

from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.session.playback_reports import PlaybackReports
from vivavoce.testing import run


def tracker_of(item_id: str = "a") -> RealtimePlaybackTracker:
    tracker = RealtimePlaybackTracker()
    tracker.expect(item_id, 0)
    return tracker


def test_reports_that_come_fast_fall_together() -> None:
    async def main() -> None:
        tracker, heard = tracker_of(), [0]

        def note() -> None:
            heard[0] += 1

        reports = PlaybackReports(tracker, note)
        reports.listen()
        for _ in range(10):
            tracker.on_play_ms("a", 0, 20)
        assert heard == [0]
        await asyncio.sleep(0)
        assert heard == [1]
        tracker.on_play_ms("a", 0, 20)
        await asyncio.sleep(0)
        assert heard == [2]

    run(main())


def test_another_thread_may_report() -> None:
    async def main() -> None:
        tracker, heard = tracker_of(), asyncio.Event()
        names: list[str] = []

        def note() -> None:
            names.append(threading.current_thread().name)
            heard.set()

        reports = PlaybackReports(tracker, note)
        reports.listen()
        player = threading.Thread(target=tracker.on_play_ms, args=("a", 0, 20), name="loudspeaker")
        player.start()
        await heard.wait()
        player.join()
        assert names == [threading.current_thread().name]

    asyncio.run(main())


def test_after_the_end_nothing_is_heard() -> None:
    tracker = tracker_of()
    heard: list[str] = []

    async def main(*, close: bool) -> None:
        reports = PlaybackReports(tracker, lambda: heard.append("late"))
        reports.listen()
        if close:
            tracker.on_play_ms("a", 0, 20)
            reports.close()
            reports.close()
            tracker.on_play_ms("a", 0, 20)
            await asyncio.sleep(0)

    run(main(close=True))
    assert heard == []
    run(main(close=False))
    tracker.on_play_ms("a", 0, 20)  # its loop is gone
    assert heard == []


def test_where_nothing_is_reported_nothing_is_heard() -> None:
    async def main() -> None:
        reports = PlaybackReports(None, lambda: None)
        reports.listen()
        reports.close()

    run(main())
