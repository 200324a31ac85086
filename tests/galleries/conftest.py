from collections.abc import Iterator
from pathlib import Path

import pytest
from sealed_house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path / "vip")
    yield built
    built.close()
