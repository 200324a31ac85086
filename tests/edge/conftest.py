"""The real engine, clips made on the fly, a small real city."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import cv2
import insightface
import numpy as np
import pytest
from edge_builders import CountingEngine, Image, SmallCity, camera, write_clip
from websockets.asyncio.server import serve

from edge.pipeline import BoxIdentity
from yingbin.faces.engine import FaceEngine
from yingbin.faces.pack import ModelPack
from yingbin.trust.devices import DeviceKey


@pytest.fixture(autouse=True)
def outbox_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give every test an outbox of its own, on tmpfs: boxes here share their id."""
    with tempfile.TemporaryDirectory(prefix="yingbin-test-", dir="/dev/shm") as folder:
        monkeypatch.setenv("YINGBIN_EDGE_OUTBOX_DIR", f"{folder}/outbox")
        yield Path(folder) / "outbox"


@pytest.fixture(scope="session")
def group_photo() -> Image:
    """Six faces, u8 BGR (886, 1280, 3)."""
    image = cv2.imread(str(Path(insightface.__file__).parent / "data/images/t1.jpg"))
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.fixture(scope="session")
def real_engine() -> FaceEngine:
    return FaceEngine.load(ModelPack.load())


@pytest.fixture
def engine(real_engine: FaceEngine) -> CountingEngine:
    return CountingEngine(real_engine)


@pytest.fixture
def identity() -> BoxIdentity:
    return BoxIdentity("box-1", "b00t", np.eye(128, dtype=np.float32))


@pytest.fixture(scope="session")
def group_clip(tmp_path_factory: pytest.TempPathFactory, group_photo: Image) -> Path:
    """Show the group photo for one second, drifting by a pixel a frame."""
    images = [np.ascontiguousarray(np.roll(group_photo, shift, axis=1)) for shift in range(25)]
    return write_clip(tmp_path_factory.mktemp("clips") / "group.mp4", images)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Show noise, another each frame, for two seconds."""
    noise = np.random.default_rng(1)
    images = [noise.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(50)]
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", images)


@pytest.fixture
def device_key() -> DeviceKey:
    return DeviceKey.generate()


@pytest.fixture
async def city(device_key: DeviceKey) -> AsyncIterator[SmallCity]:
    small = SmallCity(device_key.public_bytes, (camera(),))
    async with serve(small.talk, "127.0.0.1", 0) as server:
        small.port = next(iter(server.sockets)).getsockname()[1]
        yield small


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(1_000_000))
