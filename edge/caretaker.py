"""Deletes what a box that died has left in its outbox, though nothing ever starts it again (C2: at most 10 minutes).

A shell in a session of its own waits until the box lets go of a pipe, however it ends, and then as long as a look may
live. After that nobody wants the looks of that boot any more, a later boot of the box neither.
"""

import os
import subprocess
from pathlib import Path
from typing import Final

from edge.outbox import MAX_AGE_S
from edge.outbox_store import names_of_boot

_SCRIPT: Final = 'read -r _; sleep "$1"; rm -f -- $2'


class Caretaker:
    """Stands by from `begin` on; `end`, after the outbox has closed, sends it away if nothing of this boot is left."""

    def __init__(self, folder: Path, boot_id: str, *, after_s: float = MAX_AGE_S) -> None:
        self._folder = folder
        self._looks = names_of_boot(boot_id)
        self._after_s = after_s
        self._shell: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start the shell: under a megabyte, and no work while the box lives."""
        self._shell = subprocess.Popen(  # noqa: S603 - a fixed script; the boot id is ours, and an argument
            ["/bin/sh", "-c", _SCRIPT, "outbox-caretaker", f"{self._after_s:g}", self._looks],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env={"PATH": os.defpath},  # no secret of the box's environment
            start_new_session=True,
        )

    def end(self) -> None:
        """Let the time run, or send the shell away if there is nothing to delete; call when this process ends."""
        if self._shell is None or self._shell.stdin is None:
            return
        if not any(self._folder.glob(self._looks)):
            self._shell.kill()
            self._shell.wait()
        self._shell.stdin.close()
