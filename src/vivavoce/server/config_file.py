"""`vivavoce.toml`: everything that an operator decides, in one file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vivavoce.errors import ConfigurationError
from vivavoce.server.config import ServerConfig
from vivavoce.server.config_tables import MisplacedError, settings_from

__all__ = ["CONFIG_NAME", "read_config"]

CONFIG_NAME = "vivavoce.toml"
"""The file that `vivavoce serve` reads where it stands, unless it is told another."""

_HEADER = re.compile(r"\s*\[{1,2}([^\[\]]+)\]{1,2}")
_KEY = re.compile(r"\s*([\w-]+|\"[^\"]*\"|'[^']*')\s*[=.]")

Tables = Mapping[str, Any]


def read_config(path: Path | None, flags: Mapping[str, Tables] | None = None) -> ServerConfig:
    """Read the settings of a server.

    Args:
        path: the file; relative paths in it are seen from its folder. `None` for no file.
        flags: what stands over the file, as tables: `{"server": {"port": 9000}}`. A flag replaces a setting
            of the file; of tables inside tables (`engines.stt`) the whole.

    Raises:
        ConfigurationError: the file cannot be read or a setting not be accepted; the message names the file,
            the line, the table and the setting.
    """
    file = _File.read(path) if path is not None else _File(Path(), "", {})
    try:
        settings = settings_from(file.tables, file.path.parent)
    except MisplacedError as error:
        raise ConfigurationError(f"{file.place(error)}: {error}") from error
    if flags:
        settings = settings_from(_over(file.tables, flags), file.path.parent)
    return ServerConfig(**settings)


@dataclass(frozen=True, slots=True)
class _File:
    """One file, and where in it things stand."""

    path: Path
    text: str
    tables: Tables

    @classmethod
    def read(cls, path: Path) -> _File:
        try:
            text = path.read_text(encoding="utf-8")
            return cls(path, text, tomllib.loads(text))
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{path} is no UTF-8 text: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{path} is no TOML: {error}") from error

    def place(self, error: MisplacedError) -> str:
        """Return the file and the line that an error speaks of, as exactly as that can be seen."""
        line = _line(self.text.splitlines(), error.table, error.key, error.index)
        return f"{self.path}, line {line}" if line else str(self.path)


def _line(lines: Sequence[str], table: Sequence[str], key: str | None, index: int) -> int | None:
    """Return the line of a key, else of its table's header; TOML's own reader does not tell."""
    inside: tuple[str, ...] = ()
    found, met = None, -1
    for number, line in enumerate(lines, 1):
        if header := _HEADER.match(line):
            inside = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            if inside == tuple(table):
                met += 1
                if met == index:
                    found = number
            if key is not None and inside == (*table, key):
                return number
        elif key is not None and inside == tuple(table) and max(met, 0) == index:
            name = _KEY.match(line)
            if name and name[1].strip("\"'") == key:
                return number
    return found


def _over(tables: Tables, flags: Mapping[str, Tables]) -> Tables:
    over = {name: {**tables.get(name, {}), **given} for name, given in flags.items()}
    if "instructions" in flags.get("session", {}):
        over["session"].pop("instructions_file", None)
    return {**tables, **over}
