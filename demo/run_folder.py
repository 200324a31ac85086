"""Where a run of the house keeps its databases and logs, and how it ends when it is told to."""

import signal
import tempfile
from pathlib import Path

from yingbin.errors import BadConfiguration


def run_folder(keep: Path | None, name: str) -> Path:
    """Return a new private folder, or `keep`, which must be new or empty. Raises `BadConfiguration`."""
    if keep is None:
        return Path(tempfile.mkdtemp(prefix=f"yingbin-{name}-"))
    keep = keep.expanduser().absolute()
    keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(keep.iterdir()):
        raise BadConfiguration(f"--keep {keep}: the folder is not empty; name a new one")
    return keep


def on_terminate(_number: int, _frame: object) -> None:
    """End like an error, so that every process is stopped and the run folder removed."""
    raise SystemExit(128 + signal.SIGTERM)
