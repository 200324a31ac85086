import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from province_harness import StandInReader, World
from pydantic import SecretStr

from province_server.app import Stores, build
from province_server.settings import ProvinceSettings
from yingbin.http.serve import bind


@pytest.fixture
def settings(tmp_path: Path) -> ProvinceSettings:
    return ProvinceSettings(
        database_url=f"sqlite:///{tmp_path / 'identity.db'}",
        templates_database_url=f"sqlite:///{tmp_path / 'templates.db'}",
        keystore_file=tmp_path / "keys",
        keystore_passphrase=SecretStr("correct horse"),
        feed_page_entries=4,
        late_probes_s=0,
    )


@pytest.fixture
def world(settings: ProvinceSettings, tmp_path: Path) -> Iterator[World]:
    """Run a province that answers on a real socket, with two cities in it."""
    province = build(settings, Stores.open(settings), StandInReader())
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(province.app, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with World(province, f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path) as made:
        made.set_up()
        yield made
    server.should_exit = True
    thread.join(10)
