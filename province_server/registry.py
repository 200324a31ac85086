"""Cities, branches, boxes, cameras and impact assessments: what exists, and what the cities are told of it."""

import base64
import binascii
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.cards import city_of
from province_server.feed import Notifier, publish
from province_server.keys import Keys, box_key, city_key
from province_server.records import Body, Id, Label, existing, insert
from yingbin.errors import InvalidInput, NotFound
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import Domain, encode_transform
from yingbin.ids import new_id
from yingbin.storage.database import Database
from yingbin.storage.province import AssessmentRow, BoxRow, BranchRow, CameraRow, City
from yingbin.trust.consent import Gallery
from yingbin.trust.devices import BoxBundle
from yingbin.wire import DEFAULT_MIN_FACE_PX, CameraMode, CameraRole

_KEY_BYTES = 32
MinFacePx = Annotated[int, Field(ge=20, le=400)]
"""Height from which a face is worth a look."""


class NewCity(Body):
    """A city server, by the key that `yingbin keys device` printed there."""

    name: Label
    public_key_base64: str


class NewBranch(Body):
    """A branch of a city."""

    city_id: Id
    name_zh: Label
    name_en: Label


class NewBox(Body):
    """A camera box, by the key that `yingbin keys device` printed there."""

    branch_id: Id
    public_key_base64: str


class NewAssessment(Body):
    """An impact assessment: until when (UTC ms), and for which roles, modes and galleries of cameras.

    `local_recognition`: whether templates of the branch's own customers may lie on its box.
    """

    expires_at_ms: int = Field(gt=0)
    roles: frozenset[CameraRole] = Field(min_length=1)
    modes: frozenset[CameraMode] = Field(min_length=1)
    galleries: frozenset[Gallery] = Field(min_length=1)
    local_recognition: bool = False


class NewCamera(Body):
    """A camera at a box. It stays unused until it has an impact assessment that covers it (C3).

    With `local_recognition` the box decides who it is, among its own branch's customers, and only hits leave it.
    `min_face_px`: a face of less height is followed, and looked at only if it goes without having grown.
    """

    branch_id: Id
    box_id: Id
    role: CameraRole
    mode: CameraMode = CameraMode.FEATURE
    assessment_id: Id | None = None
    local_recognition: bool = False
    min_face_px: MinFacePx = DEFAULT_MIN_FACE_PX

    @model_validator(mode="after")
    def _local_is_feature(self) -> Self:
        if self.local_recognition and self.mode is not CameraMode.FEATURE:
            raise ValueError("local_recognition is for mode `feature`: the other modes send faces to the city")
        return self


class CameraTuning(Body):
    """What may be changed at a camera that is in use; its box follows within seconds, without a restart."""

    min_face_px: MinFacePx


class Registry:
    """Registers devices and places; every change reaches the feed of the city it belongs to."""

    def __init__(self, database: Database, keys: Keys, notifier: Notifier, pack_id: str, dimension: int) -> None:
        self._database = database
        self._keys = keys
        self._notifier = notifier
        self._pack_id = pack_id
        self._dimension = dimension

    def add_city(self, new: NewCity) -> str:
        """Return the new city's id. Raises `InvalidInput`, `Conflict`."""
        city = City(city_id=new_id(), name=new.name, public_key=_public_key(new.public_key_base64), feed_revision=0)
        self._keys.create(city_key(city.city_id))
        with insert(self._database, "a city with this public key is registered already") as session:
            session.add(city)
            return city.city_id

    def add_branch(self, new: NewBranch) -> str:
        """Return the new branch's id. Raises `InvalidInput`."""
        row = BranchRow(branch_id=new_id(), **new.model_dump())
        with self._database.write() as session:
            existing(session, City, new.city_id, "city")
            session.add(row)
            session.flush()
            publish(session, new.city_id, FeedKind.BRANCH, row.branch_id)
            branch_id = row.branch_id
        self._notifier.wake(new.city_id)
        return branch_id

    def add_box(self, new: NewBox) -> BoxBundle:
        """Return what the box needs, once: its transform is secret. Raises `InvalidInput`, `Conflict`."""
        box_id = new_id()
        public_key = _public_key(new.public_key_base64)
        with insert(self._database, "a box with this public key is registered already") as session:
            existing(session, BranchRow, new.branch_id, "branch")
            session.add(BoxRow(box_id=box_id, branch_id=new.branch_id, public_key=public_key, revoked=False))
            session.flush()
            domain = self._keys.create(box_key(box_id))
            city_id = self._tell(session, new.branch_id, FeedKind.BOX, box_id)
        self._notifier.wake(city_id)
        return self._bundle(box_id, new.branch_id, city_id, domain)

    def renew_box(self, box_id: str) -> BoxBundle:
        """Return a bundle with a new key; the box may use either until `retire_box_key`. Safe to repeat, as long.

        Raises `NotFound`.
        """
        domain = self._keys.begin(box_key(self._known_box(box_id)))
        branch_id, city_id = self._tell_of_box(box_id)
        return self._bundle(box_id, branch_id, city_id, domain)

    def retire_box_key(self, box_id: str) -> None:
        """Destroy the key that was renewed: with the old bundle the box is refused. Safe to repeat; or `NotFound`."""
        self._keys.finish(box_key(self._known_box(box_id)))
        self._tell_of_box(box_id)

    def revoke_box(self, box_id: str) -> None:
        """Refuse a box from now on; safe to repeat. Raises `NotFound`."""
        self._known_box(box_id)
        with self._database.write() as session:
            row = session.get_one(BoxRow, box_id)
            row.revoked = True
            session.flush()
            city_id = self._tell(session, row.branch_id, FeedKind.BOX, box_id)
        self._notifier.wake(city_id)

    def add_assessment(self, new: NewAssessment) -> str:
        """Return the new assessment's id."""
        assessment_id = new_id()
        with self._database.write() as session:
            session.add(
                AssessmentRow(
                    assessment_id=assessment_id,
                    expires_at_ms=new.expires_at_ms,
                    roles=sorted(new.roles),
                    modes=sorted(new.modes),
                    galleries=sorted(new.galleries),
                    local_recognition=new.local_recognition,
                )
            )
        return assessment_id

    def add_camera(self, new: NewCamera) -> str:
        """Return the new camera's id. Raises `InvalidInput`."""
        row = CameraRow(camera_id=new_id(), **new.model_dump())
        with self._database.write() as session:
            existing(session, BranchRow, new.branch_id, "branch")
            if existing(session, BoxRow, new.box_id, "box").branch_id != new.branch_id:
                raise InvalidInput(f"box {new.box_id} belongs to another branch than the camera")
            if new.assessment_id is not None:
                existing(session, AssessmentRow, new.assessment_id, "impact assessment")
            session.add(row)
            session.flush()
            camera_id = row.camera_id
            if new.mode is CameraMode.PICTURE:  # the box's entry now carries what the city needs to embed pictures
                self._tell(session, new.branch_id, FeedKind.BOX, new.box_id)
            city_id = self._tell(session, new.branch_id, FeedKind.CAMERA, camera_id)
        self._notifier.wake(city_id)
        return camera_id

    def tune_camera(self, camera_id: str, tuning: CameraTuning) -> None:
        """Change a camera; safe to repeat. Raises `NotFound`."""
        with self._database.write() as session:
            row = session.get(CameraRow, camera_id)
            if row is None:
                raise NotFound(f"there is no camera {camera_id}")
            row.min_face_px = tuning.min_face_px
            session.flush()
            city_id = self._tell(session, row.branch_id, FeedKind.CAMERA, camera_id)
        self._notifier.wake(city_id)

    def boxes(self, after: str, limit: int) -> list[BoxRow]:
        """Return boxes by id."""
        with self._database.read() as session:
            found = select(BoxRow).where(BoxRow.box_id > after).order_by(BoxRow.box_id).limit(limit)
            return list(session.scalars(found))

    def cameras(self, after: str, limit: int) -> list[CameraRow]:
        """Return cameras by id."""
        with self._database.read() as session:
            found = select(CameraRow).where(CameraRow.camera_id > after).order_by(CameraRow.camera_id).limit(limit)
            return list(session.scalars(found))

    def _known_box(self, box_id: str) -> str:
        with self._database.read() as session:
            if session.get(BoxRow, box_id) is None:
                raise NotFound(f"there is no box {box_id}")
        return box_id

    def _tell_of_box(self, box_id: str) -> tuple[str, str]:
        """Send a box's entry to its city again; return branch and city."""
        with self._database.write() as session:
            branch_id = session.get_one(BoxRow, box_id).branch_id
            city_id = self._tell(session, branch_id, FeedKind.BOX, box_id)
        self._notifier.wake(city_id)
        return branch_id, city_id

    def _bundle(self, box_id: str, branch_id: str, city_id: str, domain: Domain) -> BoxBundle:
        transform = base64.b64encode(encode_transform(domain.transform)).decode()
        return BoxBundle(box_id, branch_id, city_id, self._pack_id, self._dimension, transform)

    def _tell(self, session: Session, branch_id: str, kind: FeedKind, key: str) -> str:
        city_id = city_of(session, branch_id)
        publish(session, city_id, kind, key)
        return city_id


def _public_key(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise InvalidInput("public_key_base64 must be an Ed25519 public key: the line `yingbin keys device` prints")
    return raw
