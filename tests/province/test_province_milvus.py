"""When the province's galleries may be in Milvus at all; that they work there is tested in `tests/services`."""

import sys
from pathlib import Path
from typing import Any

import pytest
from province_harness import StandInReader

from province_server import app, services
from province_server.settings import ProvinceSettings
from yingbin.doctor.volume import Volume
from yingbin.errors import BadConfiguration


def settings(folder: Path, **more: Any) -> ProvinceSettings:
    return ProvinceSettings(
        database_url=f"sqlite:///{folder / 'identity.db'}",
        templates_database_url=f"sqlite:///{folder / 'templates.db'}",
        keystore_file=folder / "keys",
        keystore_passphrase="correct horse",
        templates_index="milvus",
        **more,
    )


def build(chosen: ProvinceSettings) -> None:
    stores = app.Stores.open(chosen)
    try:
        app.build(chosen, stores, StandInReader())
    finally:
        stores.close()


def test_milvus_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="milvus_folder"):
        settings(tmp_path)


def test_C8_milvus_on_a_plain_volume_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "volume_of", lambda _: Volume.PLAIN)
    with pytest.raises(BadConfiguration, match="not known to be encrypted"):
        build(settings(tmp_path, milvus_folder=tmp_path / "milvus"))
    assert not (tmp_path / "milvus").exists()


def test_without_its_packages_the_way_to_them_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(BadConfiguration, match=r"yingbin\[services\]"):
        build(settings(tmp_path, milvus_folder=tmp_path / "milvus", milvus_plain_volume=True))
