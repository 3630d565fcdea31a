"""The page about operating a server is complete."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from vivavoce.server.listener import _PING_S
from vivavoce.server.metrics import STAGES, ServerMetrics
from vivavoce.server.recording import RECORD_HEADER
from vivavoce.server.webhooks import EVENTS, Retries

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


class House:
    sessions = max_sessions = 1
    delivered = failed = waiting = 0

    def queue_depths(self) -> Mapping[str, int]:
        return {"stt": 0}


def cells(name: str) -> list[str]:
    """The row of a table that begins with this name."""
    (row,) = re.findall(rf"^\| `{re.escape(name)}` \|.*$", PAGE, re.MULTILINE)
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_metric_is_in_the_table_with_its_labels() -> None:
    metrics = ServerMetrics(House())
    metrics.watch_webhooks(House())
    metrics.refused("x")
    told = set(re.findall(r"^\| `(vivavoce_\w+)`", PAGE, re.MULTILINE))
    families = [one for one in metrics.registry.collect() if one.name.startswith("vivavoce_")]
    assert told == {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    counted = {
        f"{name}_total" if kind == "counter" else name: labels
        for name, kind, labels in (
            (metric._name, metric._type, metric._labelnames)
            for metric in vars(metrics).values()
            if hasattr(metric, "_labelnames")
        )
    }
    assert len(counted) >= 11
    for name, labels in counted.items():
        assert tuple(re.findall(r"`(\w+)`", cells(name)[1])) == labels, name


def test_every_stage_and_every_event_is_named() -> None:
    stages = cells("vivavoce_stage_seconds")[2]
    assert set(re.findall(r"`(\w+)`", stages)) == {stage for _, _, stage in STAGES}
    assert all(cells(event) for event in EVENTS)


def test_the_numbers_are_those_of_the_code() -> None:
    retries = Retries()
    text = " ".join(PAGE.split())
    assert f"after {retries.first_s:g} seconds" in text
    assert f"for {retries.give_up_s / 3600:g} hours" in text
    assert f"less than {_PING_S:g} seconds" in text
    assert f"`{RECORD_HEADER}: 1`" in PAGE
