from pathlib import Path

import pytest
from audit_chain import Chain


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(f"sqlite:///{tmp_path / 'city.db'}", 20)
