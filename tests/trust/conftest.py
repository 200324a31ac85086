from pathlib import Path

import pytest
from audit_chain import Chain, Restored, restored_chain


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(f"sqlite:///{tmp_path / 'city.db'}", 20)


@pytest.fixture
def restored(tmp_path: Path) -> Restored:
    return restored_chain(tmp_path)
