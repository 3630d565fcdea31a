"""What was found on this machine: packages, keys, engines, and what to do. Reads, never changes anything."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata

from vivavoce import __version__
from vivavoce.cli.doctor.engines import Trial
from vivavoce.cpus import usable_cpus
from vivavoce.engines.catalogue import catalogue

PURPOSES: Mapping[str, str] = {
    "local": "listen and speak on this machine",
    "server": "vivavoce serve",
    "webrtc": "calls from browsers",
    "cli": "vivavoce demo",
    "openai": "think with a language model of one's own (--llm)",
}
"""What each extra is for, the most needed first; only extras that something here makes use of."""

KEYS: Mapping[str, str] = {
    "OPENAI_API_KEY": "agents on OpenAI",
    "VIVAVOCE_LLM_API_KEY": "the language model behind --llm",
    "VIVAVOCE_API_KEY": "clients of vivavoce serve must present it",
}
"""Variables that hold keys, and what they are for."""

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?P<rest>.*)", re.DOTALL)
_EXTRA = re.compile(r"""extra\s*==\s*['"](?P<extra>[\w-]+)['"]""")


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part.

    Attributes:
        name: of the extra.
        purpose: what it is for.
        packages: what it consists of, with the installed version, or ``None``.
    """

    name: str
    purpose: str
    packages: Mapping[str, str | None]

    @property
    def installed(self) -> bool:
        """Whether all of it is there."""
        return all(version is not None for version in self.packages.values())


@dataclass(frozen=True, slots=True)
class Key:
    """A variable that holds a key; never the key itself.

    Attributes:
        name: of the variable.
        purpose: what it is for.
        present: whether it is set.
    """

    name: str
    purpose: str
    present: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine that may be chosen in place of a built-in one.

    Attributes:
        engine: its full name, ``stt:faster-whisper``.
        summary: what it is.
        needs: what must be given to it: an address, weights; empty: nothing.
        missing: packages that are not installed.
        command: what installs them, or ``None``.
    """

    engine: str
    summary: str
    needs: str
    missing: Sequence[str]
    command: str | None

    @property
    def installed(self) -> bool:
        """Whether everything that it imports is there."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found.

    Attributes:
        vivavoce: its version.
        python: its version.
        system: operating system and processor.
        packages: what vivavoce always needs, with versions.
        extras: optional parts.
        engines: how the built-in engines did.
        keys: which are set.
        advice: commands and what they are for.
        choices: all engines that there are, also those of other packages.
    """

    vivavoce: str
    python: str
    system: str
    packages: Mapping[str, str | None]
    extras: Sequence[Extra]
    engines: Sequence[Trial]
    keys: Sequence[Key]
    advice: Sequence[tuple[str, str]] = field(default=())
    choices: Sequence[Choice] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether the built-in engines work."""
        return all(trial.works for trial in self.engines)


def examine(trials: Sequence[Trial]) -> Findings:
    """Look at this machine.

    Args:
        trials: how the engines did.
    """
    needed = read_requirements(metadata.requires("vivavoce") or ())
    extras = [Extra(name, why, versions(needed.get(name, ()))) for name, why in PURPOSES.items()]
    keys = [Key(name, why, bool(os.environ.get(name))) for name, why in KEYS.items()]
    return Findings(
        vivavoce=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}, {usable_cpus()} cores",
        packages=versions(needed.get("", ())),
        extras=extras,
        engines=trials,
        keys=keys,
        advice=advise(extras, trials, keys),
        choices=list_choices(),
    )


def list_choices() -> tuple[Choice, ...]:
    """Return all engines that may be chosen, with what each of them lacks."""
    return tuple(
        Choice(entry.full_name, entry.summary, entry.needs, entry.missing, entry.command)
        for entry in catalogue()
    )


def read_requirements(requirements: Iterable[str]) -> dict[str, list[str]]:
    """Return the packages of each extra; under the empty name those that are always needed.

    Args:
        requirements: as in a package's metadata: ``"soxr>=1.0"``, ``"mcp>=1.20; extra == 'mcp'"``.
    """
    found: dict[str, list[str]] = {}
    for requirement in requirements:
        parts = _REQUIREMENT.match(requirement.strip())
        if parts is None or parts["name"] == "vivavoce":
            continue
        extra = _EXTRA.search(parts["rest"])
        found.setdefault(extra["extra"] if extra else "", []).append(parts["name"])
    return found


def versions(names: Iterable[str]) -> dict[str, str | None]:
    """Return the installed version of each package, or ``None``."""
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def advise(
    extras: Sequence[Extra], trials: Sequence[Trial], keys: Sequence[Key]
) -> tuple[tuple[str, str], ...]:
    """Return commands to run next, and what each is for."""
    missing = {extra.name: extra.purpose for extra in extras if not extra.installed}
    advice = [(f"pip install 'vivavoce[{name}]'", purpose) for name, purpose in missing.items()]
    if "local" not in missing and not all(trial.works for trial in trials):
        advice.insert(0, ("pip install --force-reinstall 'vivavoce[local]'", "repair the built-in engines"))
    if not any(key.present for key in keys if key.name == "OPENAI_API_KEY"):
        advice.append(("export OPENAI_API_KEY=…", "agents on OpenAI; not needed for the built-in engines"))
    if all(trial.works for trial in trials) and "cli" not in missing:
        advice.insert(0, ("vivavoce demo", "hear it all work together"))
    return tuple(advice)
