from datetime import date

import pytest

from yingbin.offers.catalogue import Catalogue, load_catalogue

TODAY = date(2026, 3, 2)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()
