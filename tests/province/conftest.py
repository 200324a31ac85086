import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from programmes import NOBODY_HELD_OUT
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


def settings_in(folder: Path) -> ProvinceSettings:
    return ProvinceSettings(
        database_url=f"sqlite:///{folder / 'identity.db'}",
        templates_database_url=f"sqlite:///{folder / 'templates.db'}",
        keystore_file=folder / "keys",
        keystore_passphrase=SecretStr("correct horse"),
        programme_file=NOBODY_HELD_OUT,
        feed_page_entries=4,
        late_probes_s=0,
    )


@pytest.fixture
def settings(tmp_path: Path, empty_stores: Path) -> ProvinceSettings:
    shutil.copytree(empty_stores, tmp_path, dirs_exist_ok=True)
    return settings_in(tmp_path)


@pytest.fixture(scope="session")
def founder(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> World:
    """Found a province with two cities once, and stop it: every world begins with a copy of its stores.

    The galleries, empty as they are, each world makes itself: their keys have an age.
    """
    folder = tmp_path_factory.mktemp("founded")
    shutil.copytree(empty_stores, folder, dirs_exist_ok=True)
    settings = settings_in(folder)
    with running(settings, folder) as made:
        pass
    shutil.rmtree(settings.galleries)
    return made


@contextmanager
def founded(settings: ProvinceSettings, folder: Path, founder: World) -> Iterator[World]:
    shutil.copytree(founder.folder, folder, dirs_exist_ok=True)
    with running(settings, folder, founder) as made:
        yield made


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory, founder: World) -> Iterator[World]:
    """Keep one world for the tests of a module that do not disturb each other.

    They ask for `world` and are marked `usefixtures("shared_world")`.
    """
    folder = tmp_path_factory.mktemp("shared")
    with founded(settings_in(folder), folder, founder) as made:
        yield made


@pytest.fixture
def world(request: pytest.FixtureRequest, founder: World) -> Iterator[World]:
    """Run a province that answers on a real socket, with two cities in it; its own unless it is to be shared."""
    if "shared_world" in request.fixturenames:
        yield request.getfixturevalue("shared_world")
        return
    settings: ProvinceSettings = request.getfixturevalue("settings")
    with founded(settings, request.getfixturevalue("tmp_path"), founder) as made:
        yield made


def one_page(settings: ProvinceSettings) -> ProvinceSettings:
    """Return settings under which a short feed is one page."""
    return settings.model_copy(update={"feed_page_entries": 500})


@pytest.fixture
def insight_world(settings: ProvinceSettings, tmp_path: Path, founder: World) -> Iterator[World]:
    """Run a world in which soft facts of every customer may act."""
    shutil.copytree(founder.folder, tmp_path, dirs_exist_ok=True)
    with running(one_page(settings), tmp_path, founder) as made:
        yield made


@pytest.fixture(scope="session")
def shared_insights(tmp_path_factory: pytest.TempPathFactory, founder: World) -> Iterator[World]:
    """Run such a world once for all tests that load tonight's files about customers of their own."""
    folder = tmp_path_factory.mktemp("insights")
    shutil.copytree(founder.folder, folder, dirs_exist_ok=True)
    with running(one_page(settings_in(folder)), folder, founder) as made:
        yield made
