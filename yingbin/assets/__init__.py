"""What every page shares: design tokens (`tokens.css`) and texts (`strings/zh.json`, `strings/en.json`)."""

from pathlib import Path


def folder() -> Path:
    """Return the folder that a server mounts at `/assets/`."""
    return Path(__file__).parent
