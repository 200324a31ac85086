"""What the kernel says of another process."""

from pathlib import Path


def may_dump_core(pid: int) -> bool:
    """Return whether a crash of this process could leave a core file."""
    limits = Path(f"/proc/{pid}/limits").read_text("utf-8").splitlines()
    (core,) = (line.split()[4:6] for line in limits if line.startswith("Max core file size"))
    return core != ["0", "0"]
