from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from city_house import House
from city_local import furnish


@pytest.fixture
def open_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., House]]:
    """Return a function that sets up a city and starts it; settings as keywords."""
    opened: list[House] = []

    def make(*, in_process: bool = True, started: bool = True, **overrides: Any) -> House:
        house = House(tmp_path, monkeypatch, in_process=in_process, **overrides)
        opened.append(house)
        if started:
            house.start()
        return house

    yield make
    for house in opened:
        house.stop()
        house.province.stop()


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house()


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Keep one city for the tests of a module that leave nothing behind others could trip over."""
    with pytest.MonkeyPatch.context() as patch:
        house = House(tmp_path_factory.mktemp("shared"), patch, in_process=True)
        house.start()
        yield house
        house.stop()
        house.province.stop()


@pytest.fixture
def local_house(open_house: Callable[..., House]) -> House:
    return furnish(open_house(started=False))


@pytest.fixture(scope="module")
def steady_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Keep one such house for the tests that put nothing into the feed."""
    with pytest.MonkeyPatch.context() as patch:
        house = furnish(House(tmp_path_factory.mktemp("steady"), patch, in_process=True))
        yield house
        house.stop()
        house.province.stop()
