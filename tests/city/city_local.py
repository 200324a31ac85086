"""Branch-1 with a camera whose box recognises by itself: its customers, and what the box is told."""

from typing import Any

import msgspec
from city_box import BoxClient
from city_house import House
from city_people import face

from yingbin import feed_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import (
    Vector,
)
from yingbin.ids import now_ms
from yingbin.local_wire import GalleryAsk, GalleryMember, GalleryPage, LocalHit, fingerprint, gallery_digest
from yingbin.wire import CameraRole

CONSENTED = ("vip_service",)


def local_camera(
    name: str = "cam-1",
    box: str = "box-1",
    role: CameraRole = CameraRole.ENTRANCE,
    *,
    covered: bool = True,
    expires_at_ms: int = 4_000_000_000_000,
    **changes: Any,
) -> wire.Camera:
    camera = House.camera(name, box, role, local_recognition=True, **changes)
    assert camera.assessment
    how = {"local_recognition": covered, "galleries": ("vip",), "expires_at_ms": expires_at_ms}
    return msgspec.structs.replace(camera, assessment=msgspec.structs.replace(camera.assessment, **how))


def view(customer_id: str, **changes: Any) -> feed_wire.CardView:
    return msgspec.structs.replace(House.view(customer_id, rm="rm-1"), **{"purposes": CONSENTED, **changes})


def enrol(house: House, customer_id: str, raw: Vector, **changes: Any) -> None:
    house.province.enrol(view(customer_id, **changes), raw, house.pack.pack_id)


def withdraw(house: House, customer_id: str) -> None:
    house.province.put(FeedKind.CARD_VIEW, customer_id, None)
    house.province.put(FeedKind.TEMPLATE, f"t-{customer_id}", None)


class Held:
    """What a box holds after the pages it was sent; checks each digest."""

    def __init__(self) -> None:
        self.members: dict[str, GalleryMember] = {}
        self.pages: list[GalleryPage] = []

    @property
    def digest(self) -> bytes:
        return gallery_digest({name: fingerprint(member) for name, member in self.members.items()})

    def hear(self, box: BoxClient) -> GalleryPage:
        """Take pages up to the one that makes them count; return it."""
        while True:
            page = box.receive()
            if isinstance(page, wire.Welcome):
                continue
            assert isinstance(page, GalleryPage), page
            self.pages.append(page)
            if page.snapshot:
                self.members.clear()
            self.members.update({member.customer_id: member for member in page.members})
            for customer_id in page.removed:
                del self.members[customer_id]
            if page.digest:
                assert page.digest == self.digest
                return page

    def ask(self, box: BoxClient, digest: bytes = b"") -> GalleryPage:
        box.socket.send(wire.encode(GalleryAsk(digest)))
        return self.hear(box)


def hit(customer_id: str, track: int, seq: int = 0, **changes: Any) -> LocalHit:
    one = LocalHit("cam-1", "pia-1", track, seq, 7, now_ms(), 80, 0.9, 4, customer_id)
    return msgspec.structs.replace(one, **changes)


def furnish(house: House) -> House:
    """One local camera at branch-1; of the branch: ma. Not to be told: everybody else, each for another reason."""
    house.province.put(FeedKind.CAMERA, "cam-1", local_camera())
    house.province.put(FeedKind.CAMERA, "cam-2", local_camera("cam-2", "box-2"))
    enrol(house, "ma", face(11))
    enrol(house, "of-another-branch", face(12), home_branch_id="branch-2")
    enrol(house, "of-another-gallery", face(13), gallery="potential")
    enrol(house, "for-tickets-only", face(14), purposes=("ticketing",))
    house.start()
    return house
