"""A furnished province, photos and a signed-in browser for the tests of the admin pages."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from admin_house import AdminHouse, open_admin, photos, running
from browsing import browser, no_complaints
from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=30_000)  # for a busy machine; usually each takes milliseconds


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return photos(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, faces: dict[str, Path]) -> Iterator[AdminHouse]:
    """Run a province with one customer enrolled."""
    with running(tmp_path_factory.mktemp("province")) as started:
        started.customer("C-1001", photo=faces["woman"])
        yield started


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory, faces: dict[str, Path]) -> Iterator[Browser]:
    """Start a browser whose camera films the man."""
    film = tmp_path_factory.mktemp("film") / "man.y4m"
    picture = cv2.resize(cv2.imread(str(faces["man"])), (640, 480))
    frame = b"FRAME\n" + np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)).tobytes()
    film.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + frame * 5)
    camera = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    with browser(*camera, f"--use-file-for-fake-video-capture={film}") as started:
        yield started


@pytest.fixture
def page(house: AdminHouse, chromium: Browser) -> Iterator[Page]:
    """Open the pages signed in; whatever they do, no script error and nothing the policy forbids."""
    opened = open_admin(house, chromium)
    with no_complaints(opened):
        yield opened
