"""A whole bank of real processes for tests: what the demo founds, with the right to kill and restart a tier."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from demo.cast import load_cast
from demo.guests import guests_of_cast
from demo.house import House, Server, Tier
from demo.setup import Bank, Founder


class WatchedHouse(House):
    """Remembers how each server was started."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.started: dict[str, tuple[list[str], Mapping[str, str]]] = {}
        self.servers: dict[str, Server] = {}

    def serve(self, name: str, arguments: list[str], environment: Mapping[str, str] | None = None) -> Server:
        self.started[name] = (arguments, environment or {})
        self.servers[name] = super().serve(name, arguments, environment)
        return self.servers[name]

    def kill_9(self, name: str) -> None:
        tier: Tier = self.servers[name].tier
        os.kill(tier.pid, signal.SIGKILL)
        assert tier.wait(10)

    def restart(self, name: str) -> str:
        arguments, environment = self.started[name]
        return self.serve(name, arguments, environment).url()


def found_bank(house: House, port: int) -> Bank:
    """Open the bank of the demo with its default cast enrolled."""
    founder = Founder(house, port=port, say=print, step=lambda _done, _total: None)
    return founder.found(guests_of_cast(load_cast()))
