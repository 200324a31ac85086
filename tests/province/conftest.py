import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from province_harness import World, running
from pydantic import SecretStr

from province_server.settings import ProvinceSettings
from yingbin.storage import migrate
from yingbin.storage.database import Database


@pytest.fixture(scope="session")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate two databases once: every test begins with a copy."""
    folder = tmp_path_factory.mktemp("empty")
    for name, tree in (("identity.db", migrate.Tree.PROVINCE), ("templates.db", migrate.Tree.TEMPLATES)):
        database = Database(f"sqlite:///{folder / name}")
        migrate.upgrade(database, tree)
        database.close()
    return folder


@pytest.fixture
def settings(tmp_path: Path, empty_stores: Path) -> ProvinceSettings:
    shutil.copytree(empty_stores, tmp_path, dirs_exist_ok=True)
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
    with running(settings, tmp_path) as made:
        yield made
