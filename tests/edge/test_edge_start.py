"""What a box does not start with, and the command from its start to its end."""

import asyncio
import json
import signal
from pathlib import Path

import msgspec
import pytest
from edge_builders import SmallCity, eventually
from test_edge_agent import PACK, bundle_for, edge_process, settings_for

from edge.agent import EdgeAgent
from edge.settings import EdgeSettings
from yingbin.errors import BadConfiguration
from yingbin.faces.engine import FaceEngine
from yingbin.trust.devices import DeviceKey


def test_a_box_registered_for_another_pack_does_not_start(
    city_url: str, real_engine: FaceEngine, device_key: DeviceKey, group_clip: Path
) -> None:
    with pytest.raises(BadConfiguration, match="registered for"):
        EdgeAgent(settings_for(city_url, group_clip), real_engine, bundle_for("other"), device_key, PACK)


@pytest.fixture
def city_url() -> str:
    return "ws://127.0.0.1:1/v1/box"


@pytest.mark.parametrize("url", ["ws://10.0.0.1/v1/box", "http://localhost/v1/box", "city.example"])
def test_an_unencrypted_city_address_is_refused(url: str, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(
        f'city_url = "{url}"\nkey_file = "k"\nbundle_file = "b"\n[[cameras]]\ncamera_id = "c"\nsource = "0"\n'
    )
    with pytest.raises(BadConfiguration, match="city_url"):
        EdgeSettings.load(config)


def test_two_cameras_of_one_name_are_refused(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    one = '[[cameras]]\ncamera_id = "c"\nsource = "0"\n'
    config.write_text(f'city_url = "wss://c/v1/box"\nkey_file = "k"\nbundle_file = "b"\n{one}{one}')
    with pytest.raises(BadConfiguration, match="once"):
        EdgeSettings.load(config)


@pytest.fixture
def config(tmp_path: Path, device_key: DeviceKey, city: SmallCity, real_engine: FaceEngine, group_clip: Path) -> Path:
    device_key.save(tmp_path / "box.key")
    bundle = tmp_path / "bundle.json"
    bundle.write_bytes(msgspec.json.encode(bundle_for(real_engine.pack.pack_id)))
    bundle.chmod(0o600)
    path = tmp_path / "edge.toml"
    path.write_text(
        f'city_url = "{city.url}"\nkey_file = "{tmp_path}/box.key"\nbundle_file = "{bundle}"\n'
        f'[[cameras]]\ncamera_id = "cam-1"\nsource = "{group_clip}"\n'
    )
    return path


async def test_the_command_ends_gracefully_on_sigterm_with_one_json_object(config: Path, city: SmallCity) -> None:
    city.answer = lambda _: None  # it would wait for the answers
    async with edge_process(config) as process:
        await eventually(lambda: len(city.events) >= 6)
        process.send_signal(signal.SIGTERM)
        out, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert json.loads(out.splitlines()[-1])["face_events"] == 6


async def test_the_command_fails_with_one_clear_line_for_a_missing_source(config: Path) -> None:
    missing = json.dumps([{"camera_id": "cam-1", "source": "none.mp4"}])
    async with edge_process(config, YINGBIN_EDGE_CAMERAS=missing) as process:
        _, err = await process.communicate()
    assert process.returncode == 1
    assert "source_missing" in err.decode()
