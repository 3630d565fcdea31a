"""`python -m bench`: measure, print tables, and keep the figures in `bench/results/latest.json`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench import browser, calls, engines, latency, peers, sdk, start, talking
from bench.process import CORES
from bench.report import RESULTS, Report


def main() -> int:
    """Run the measurements that were asked for."""
    args = _arguments()
    report = Report()
    sections: dict[str, Callable[[], None]] = {
        "latency": lambda: latency.latency(report, args.sessions, args.warm_up, args.seconds),
        "idle": lambda: talking.idle(report, args.idle_sessions, 5.0),
        "barge_in": lambda: talking.barge_in(report, args.sessions[:2], args.seconds),
        "overload": lambda: talking.overload(report, max(args.sessions[:3]), 2 * args.seconds),
        "calls": lambda: calls.calls(report, args.calls, args.seconds),
        "browser": lambda: browser.browser(report, args.calls[:2], 3 if args.quick else 12),
        "peers": lambda: peers.peers(
            report, args.peer_sessions, args.warm_up, args.seconds, args.peer_python
        ),
        "sdk": lambda: sdk.sdk(report, sdk.Sizes.quick() if args.quick else sdk.Sizes()),
        "engines": lambda: engines.engines(report),
        "frames": lambda: engines.frames(report),
        "imports": lambda: start.imports(report),
    }
    wanted = args.only or list(sections)
    if unknown := set(wanted) - set(sections):
        print(f"no such measurement: {', '.join(sorted(unknown))}; there are: {', '.join(sections)}")
        return 2
    if len(CORES) < 2:
        report.progress("only one core: server and load generator share it, so latencies hold both")
    for name in wanted:
        sections[name]()
    report.save(args.out)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("only", nargs="*", help="measurements to run; all of them when none is named")
    parser.add_argument("--quick", action="store_true", help="fewer sessions, shorter")
    parser.add_argument("--sessions", type=int, nargs="+", help="talking sessions of each step")
    parser.add_argument("--calls", type=int, nargs="+", help="calls over WebRTC of each step")
    parser.add_argument("--warm-up", type=float, default=4.0, help="seconds before the window")
    parser.add_argument("--seconds", type=float, help="length of the window")
    parser.add_argument(
        "--peer-python", metavar="PATH", help="Python of an environment with speech-to-speech"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "latest.json", help="where the figures go")
    args = parser.parse_args()
    args.peer_sessions = args.sessions or ([1, 8] if args.quick else [1, 8, 16, 24, 32])
    args.sessions = args.sessions or ([1, 16, 64] if args.quick else [1, 16, 64, 128, 200])
    args.calls = args.calls or ([1, 10] if args.quick else [1, 10, 30])
    args.seconds = args.seconds or (8.0 if args.quick else 16.0)
    args.idle_sessions = 50
    return args


if __name__ == "__main__":
    sys.exit(main())
