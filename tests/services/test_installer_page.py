"""The installer's page in a real browser, on a running box with a small city beside it (strict CSP, real sockets)."""

import asyncio
import base64
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import insightface
import msgspec
import numpy as np
import pytest
from browsing import browser, no_complaints
from playwright.sync_api import Page, expect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from yingbin.faces.pack import ModelPack
from yingbin.galleries.protect import random_transform
from yingbin.trust.devices import BoxBundle, DeviceKey
from yingbin.wire import (
    Assessment,
    Camera,
    CameraMode,
    CameraRole,
    Challenge,
    FaceAnswer,
    FaceEvent,
    Outcome,
    Welcome,
    decode_from_box,
    encode,
)

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def walk_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people who come nearer: the group photo, growing."""
    photo = cv2.imread(str(Path(insightface.__file__).parent / "data/images/t1.jpg"))
    assert photo is not None
    path = tmp_path_factory.mktemp("page") / "walk.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "0", "preset": "ultrafast", "g": "10"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1280, 886, "yuv420p"
        for number in itertools.chain(range(30), [30] * 20):
            zoom = cv2.getRotationMatrix2D((640, 443), 0, 0.6 + number / 75)
            image = np.asarray(cv2.warpAffine(photo, zoom, (1280, 886)), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class SmallCity:
    """Welcomes the box and its one camera, and knows nobody."""

    def __init__(self) -> None:
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True).start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self) -> None:
        async with serve(self._talk, "127.0.0.1", 0) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    async def _talk(self, socket: ServerConnection) -> None:
        roles, modes = (CameraRole.ENTRANCE,), (CameraMode.FEATURE,)
        assessment = Assessment("pia-1", 4_000_000_000_000, roles, modes, ("vip",))
        camera = Camera("entrance-1", "branch-1", "box-1", roles[0], modes[0], assessment)
        await socket.send(encode(Challenge(bytes(32), "city-1", 0)))
        await socket.recv()
        await socket.send(encode(Welcome((camera,), 0)))
        try:
            async for raw in socket:
                message = decode_from_box(raw if isinstance(raw, bytes) else raw.encode())
                if isinstance(message, FaceEvent):
                    answer = FaceAnswer(message.camera_id, message.track, message.seq, Outcome.NOT_ENROLLED, False)
                    await socket.send(encode(answer))
        except ConnectionClosed:
            return


@pytest.fixture
def address_and_code(walk_in: Path, tmp_path: Path) -> Iterator[tuple[str, str]]:
    city = SmallCity()
    DeviceKey.generate().save(tmp_path / "box.key")
    raw = base64.b64encode(random_transform(128).astype("<f4").tobytes()).decode()
    bundle = BoxBundle("box-page", "branch-1", "city-1", ModelPack.load().pack_id, 128, raw)
    (tmp_path / "bundle.json").write_bytes(msgspec.json.encode(bundle))
    (tmp_path / "bundle.json").chmod(0o600)
    config = tmp_path / "edge.toml"
    config.write_text(
        f'city_url = "ws://127.0.0.1:{city.port}/v1/box"\nkey_file = "{tmp_path}/box.key"\n'
        f'bundle_file = "{tmp_path}/bundle.json"\noperations_port = 0\ninstaller_page = true\n'
        f'[[cameras]]\ncamera_id = "entrance-1"\nsource = "{walk_in}"\nloop = true\n'
    )
    program = "from yingbin.cli import main; main()"
    command = [sys.executable, "-c", program, "edge", "run", "--config", str(config)]
    box = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert box.stdout is not None
        ready = json.loads(next(line for line in box.stdout if line.startswith("{")))
        yield ready["installer_page"], ready["one_time_code"]
    finally:
        box.terminate()
        box.wait(20)
        city.stop()


@pytest.fixture
def page() -> Iterator[Page]:
    """Open a page; whatever it does, no script error and nothing the policy forbids."""
    with browser() as chromium:
        opened = chromium.new_page(viewport={"width": 1280, "height": 860})
        opened.set_default_timeout(30_000)
        expect.set_options(timeout=60_000)
        with no_complaints(opened):
            yield opened


def test_code_live_boxes_and_verdict(address_and_code: tuple[str, str], page: Page, tmp_path: Path) -> None:
    address, code = address_and_code
    page.goto(address)
    page.get_by_test_id("code").fill("0000")
    page.get_by_test_id("enter").click()
    expect(page.get_by_role("alert")).to_contain_text("代码不对")
    page.get_by_test_id("code").fill(f"{code[:4]} {code[4:]}")
    page.get_by_test_id("enter").click()
    picture = page.get_by_test_id("picture")
    expect(picture.locator("image")).to_have_count(1)
    expect(picture.locator("rect.face")).to_have_count(6)
    expect(picture.locator("text").first).to_contain_text("像素")
    checks = page.get_by_test_id("checks").locator("li")
    expect(checks).to_have_count(5)
    expect(page.locator("li[data-check=light]")).to_have_attribute("data-good", "good")
    expect(page.locator("li[data-check=size]")).to_have_attribute("data-good", "good")
    page.screenshot(path=tmp_path / "installer.png")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading")).to_have_text("Yingbin · camera installation")
    expect(page.get_by_test_id("picture").locator("text").first).to_contain_text("px")
    page.screenshot(path=tmp_path / "installer-en.png")
