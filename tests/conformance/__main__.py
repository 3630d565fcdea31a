"""Write the table of conformance anew: `python -m tests.conformance`."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.table import as_json, as_markdown, whole_table

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    """Write both forms of the table."""
    table = whole_table()
    (DOCS / "conformance.json").write_text(as_json(table), encoding="utf-8")
    (DOCS / "conformance.md").write_text(as_markdown(table), encoding="utf-8")


if __name__ == "__main__":
    main()
