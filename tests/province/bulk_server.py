"""A province of its own process, to be killed: `python bulk_server.py FOLDER SECONDS_A_PHOTO`."""

import sys
import time
from pathlib import Path

from programmes import NOBODY_HELD_OUT
from province_harness import StandInReader
from pydantic import SecretStr

from province_server.app import Stores, build
from province_server.settings import ProvinceSettings
from yingbin import log
from yingbin.faces.enrolment import Acquired
from yingbin.http.serve import bind, serve


def settings_of(folder: Path) -> ProvinceSettings:
    return ProvinceSettings(
        database_url=f"sqlite:///{folder / 'identity.db'}",
        templates_database_url=f"sqlite:///{folder / 'templates.db'}",
        keystore_file=folder / "keys",
        keystore_passphrase=SecretStr("correct horse"),
        programme_file=NOBODY_HELD_OUT,
        upload_folder=folder,
    )


class Slow(StandInReader):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def read(self, content: bytes) -> Acquired:
        time.sleep(self._seconds)
        return super().read(content)


if __name__ == "__main__":
    settings = settings_of(Path(sys.argv[1]))
    log.configure("province")
    province = build(settings, Stores.open(settings), Slow(float(sys.argv[2])))
    serve(province.app, bind("127.0.0.1", 0), on_stop=province.notifier.close)
