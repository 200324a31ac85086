"""The box as a process, killed with everything unsaid: what it saw is said once, by the next boot (C2, DESIGN 9)."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from edge_builders import SmallCity, camera, eventually
from proc import may_dump_core
from test_edge_agent import bundle_for, edge_process
from websockets.asyncio.server import Server, serve

from yingbin.faces.engine import FaceEngine
from yingbin.ids import now_ms
from yingbin.trust.devices import DeviceKey

FACES = 6


@pytest.fixture
def config(tmp_path: Path, device_key: DeviceKey, real_engine: FaceEngine, group_clip: Path) -> Path:
    """Set up a box whose outbox has room for the people of its clip, just."""
    device_key.save(tmp_path / "box.key")
    bundle = tmp_path / "bundle.json"
    bundle.write_bytes(msgspec.json.encode(bundle_for(real_engine.pack.pack_id)))
    bundle.chmod(0o600)
    path = tmp_path / "edge.toml"
    path.write_text(
        f'key_file = "{tmp_path}/box.key"\nbundle_file = "{bundle}"\noutbox_capacity = {FACES}\n'
        f'[[cameras]]\ncamera_id = "cam-1"\nsource = "{group_clip}"\nloop = true\n'
    )
    return path


async def listen(city: SmallCity, port: int = 0) -> Server:
    server = await serve(city.talk, "127.0.0.1", port)
    city.port = next(iter(server.sockets)).getsockname()[1]
    return server


def sealed(folder: Path) -> dict[str, bytes]:
    """Return what lies in the outbox: name of the look -> content."""
    return {path.name.removesuffix(".look"): path.read_bytes() for path in folder.glob("*")}


async def test_C2_killed_with_a_full_outbox_while_the_city_is_down_everything_arrives_once(
    config: Path, device_key: DeviceKey, outbox_folder: Path
) -> None:
    silent = SmallCity(device_key.public_bytes, (camera(),), answer=lambda _: None)
    server = await listen(silent)
    async with edge_process(config, YINGBIN_EDGE_CITY_URL=silent.url) as process:
        await eventually(lambda: len(silent.events) >= FACES)
        server.close()
        await server.wait_closed()
        await eventually(lambda: len(sealed(outbox_folder)) == FACES)
        assert not may_dump_core(process.pid)
        process.kill()
        await process.wait()
    left = sealed(outbox_folder)
    vectors = [event.vector for event in silent.events]
    assert not any(v[at : at + 8] in raw for raw in left.values() for v in vectors for at in range(0, len(v), 8))

    city = SmallCity(device_key.public_bytes)  # no camera is permitted any more: only what waits can come
    server = await listen(city, silent.port)
    async with edge_process(config, YINGBIN_EDGE_CITY_URL=city.url) as process:
        await eventually(lambda: len(city.events) >= FACES and not sealed(outbox_folder))
        process.terminate()
        await process.wait()
    server.close()
    (old_boot,) = {proof.boot_id for proof in silent.proofs}
    assert old_boot not in {proof.boot_id for proof in city.proofs}
    assert Counter(f"{e.boot_id}-{e.track}-{e.seq}" for e in city.events) == Counter(left.keys())
    assert {event.boot_id for event in city.events} == {old_boot}


async def test_C2_a_box_whose_outbox_would_be_on_a_disk_does_not_start(config: Path) -> None:
    environment = {"YINGBIN_EDGE_CITY_URL": "ws://127.0.0.1:1/v1/box", "YINGBIN_EDGE_OUTBOX_DIR": "/proc"}
    async with edge_process(config, **environment) as process:
        _, err = await process.communicate()
    assert process.returncode == 1
    assert "on a disk" in err.decode()


@pytest.mark.parametrize("jump_ms", [3_600_000, -3_600_000])
async def test_an_event_bears_the_citys_time_whatever_the_boxs_clock_says(
    config: Path, device_key: DeviceKey, jump_ms: int
) -> None:
    city = SmallCity(device_key.public_bytes, (camera(),), clock_ms=lambda: now_ms() + jump_ms)
    server = await listen(city)
    async with edge_process(config, YINGBIN_EDGE_CITY_URL=city.url):
        await eventually(lambda: len(city.events) >= FACES)
    server.close()
    assert all(-20_000 < event.seen_at_ms - city.clock_ms() < 1000 for event in city.events)
