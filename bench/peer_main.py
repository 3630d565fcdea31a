"""Starts speech-to-speech without a download: run by that project's own Python, not by ours.

Its detector comes from `torch.hub` and its sentence splitter's data from `nltk.download`; both would fetch
files when it starts. Here the same Silero weights come out of the `silero-vad` package, and the splitter
(Punkt) begins with no learned abbreviations. Everything else is the project as it is installed.
"""

# mypy: ignore-errors

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

PUNKT = ("abbrev_types.txt", "collocations.tab", "ortho_context.tab", "sent_starters.txt")


def main() -> None:
    """Run the command line of speech-to-speech with the arguments given."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        _punkt(Path(folder))
        os.environ["NLTK_DATA"] = folder
        import nltk
        import torch
        from silero_vad import load_silero_vad

        def load(repository: str, model: str, **_options: Any) -> tuple[Any, None]:
            if model != "silero_vad":
                raise RuntimeError(f"{repository} asks for the weights {model}, which are not installed")
            return load_silero_vad(), None

        torch.hub.load = load
        nltk.download = lambda *_names, **_options: False
        from speech_to_speech.cli import main as run

        sys.argv[0] = "speech-to-speech"
        run()


def _punkt(folder: Path) -> None:
    english = folder / "tokenizers" / "punkt_tab" / "english"
    english.mkdir(parents=True)
    for name in PUNKT:
        (english / name).write_text("")


if __name__ == "__main__":
    main()
