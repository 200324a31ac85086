"""Cameras and the impact assessments they rest on (C3); every change is in force at the city at once."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from province_server.cards import city_of
from province_server.feed import Notifier, publish
from province_server.records import AN_ID, Body, Id, InstantMs, existing, page_of
from yingbin.errors import Conflict, InvalidInput, NotFound
from yingbin.feed_wire import FeedKind
from yingbin.ids import new_id, now_ms
from yingbin.storage.database import Database
from yingbin.storage.province import AssessmentRow, BoxRow, BranchRow, CameraRow
from yingbin.trust.consent import Gallery
from yingbin.trust.watch import WatchList
from yingbin.wire import DEFAULT_MIN_FACE_PX, CameraMode, CameraRole

MinFacePx = Annotated[int, Field(ge=20, le=400)]
"""Height from which a face is worth a look."""
_ExpiresAt = Annotated[InstantMs, Field(gt=0, examples=[1_820_000_000_000])]


class NewAssessment(Body):
    """An impact assessment: until when (UTC ms), and for which roles, modes and galleries of cameras.

    `local_recognition`: whether templates of the branch's own customers may lie on its box.
    """

    expires_at_ms: _ExpiresAt
    roles: frozenset[CameraRole] = Field(min_length=1, examples=[[CameraRole.ENTRANCE]])
    modes: frozenset[CameraMode] = Field(min_length=1, examples=[[CameraMode.FEATURE]])
    galleries: frozenset[Gallery | WatchList] = Field(min_length=1, examples=[[Gallery.VIP]])
    local_recognition: bool = False


class AssessmentChange(Body):
    """Until when an impact assessment holds, after it was reviewed; all else needs a new assessment."""

    expires_at_ms: _ExpiresAt


class NewCamera(Body):
    """A camera at a box. It stays unused until it has an impact assessment that covers it (C3).

    With `local_recognition` the box decides who it is, among its own branch's customers, and only hits leave it.
    `min_face_px`: a face of less height is followed, and looked at only if it goes without having grown.
    """

    branch_id: Id = Field(examples=[AN_ID])
    box_id: Id = Field(examples=[AN_ID])
    role: CameraRole = Field(examples=[CameraRole.ENTRANCE])
    mode: CameraMode = CameraMode.FEATURE
    assessment_id: Id | None = Field(default=None, examples=[AN_ID])
    local_recognition: bool = False
    min_face_px: MinFacePx = DEFAULT_MIN_FACE_PX

    @model_validator(mode="after")
    def _local_is_feature(self) -> Self:
        if self.local_recognition and self.mode is not CameraMode.FEATURE:
            raise ValueError(_LOCAL_IS_FEATURE)
        return self


class CameraChange(Body):
    """What changes at a camera in use; what is left out stays. Its box follows within seconds, without a restart.

    `assessment_id`: null takes the assessment away, and the camera is unused. Role and branch are what the camera is:
    where they change, register another one and retire this.
    """

    box_id: Id | None = Field(default=None, examples=[AN_ID])
    mode: CameraMode | None = Field(default=None, examples=[CameraMode.FEATURE])
    assessment_id: Id | None = Field(default=None, examples=[AN_ID])
    local_recognition: bool | None = Field(default=None, examples=[False])
    min_face_px: MinFacePx | None = Field(default=None, examples=[60])

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.given:
            raise ValueError("nothing to change: give at least one setting")
        empty = [name for name, value in self.given.items() if value is None and name != "assessment_id"]
        if empty:
            raise ValueError(f"{', '.join(empty)} cannot be null")
        return self

    @property
    def given(self) -> dict[str, Any]:
        """Setting -> new value, of those that were sent."""
        return self.model_dump(include=self.model_fields_set)


_LOCAL_IS_FEATURE = "local_recognition is for mode `feature`: the other modes send faces to the city"


class Cameras:
    """Registers cameras and assessments; every change reaches the feed of the city it belongs to."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    def add(self, new: NewCamera) -> str:
        """Return the new camera's id. Raises `InvalidInput`."""
        row = CameraRow(camera_id=new_id(), **new.model_dump())
        with self._database.write() as session:
            existing(session, BranchRow, new.branch_id, "branch")
            _check(session, row)
            session.add(row)
            session.flush()
            camera_id = row.camera_id
            city_id = _tell(session, row)
        self._notifier.wake(city_id)
        return camera_id

    def change(self, camera_id: str, change: CameraChange) -> None:
        """Change a camera; safe to repeat. Raises `NotFound`, `InvalidInput`, `Conflict` for a retired one."""
        with self._database.write() as session:
            row = _found(session, camera_id)
            if row.retired_at_ms is not None:
                raise Conflict(f"camera {camera_id} is retired; register it anew")
            old_box, old_mode = row.box_id, row.mode
            for name, value in change.given.items():
                setattr(row, name, value)
            _check(session, row)
            session.flush()
            city_id = _tell(session, row)
            if old_mode == CameraMode.PICTURE and (old_box, old_mode) != (row.box_id, row.mode):
                publish(session, city_id, FeedKind.BOX, old_box)
        self._notifier.wake(city_id)

    def retire(self, camera_id: str) -> None:
        """Take a camera out of use for good; safe to repeat. Its record stays, for the audit. Raises `NotFound`."""
        with self._database.write() as session:
            row = _found(session, camera_id)
            row.retired_at_ms = row.retired_at_ms or now_ms()
            session.flush()
            city_id = _tell(session, row)
        self._notifier.wake(city_id)

    def page(
        self, after: str, limit: int, branch_id: str | None, box_id: str | None, *, retired: bool | None
    ) -> list[CameraRow]:
        """Return cameras by id: of a branch, of a box, retired or not; None is all."""
        conditions: list[ColumnElement[bool]] = []
        if branch_id is not None:
            conditions.append(CameraRow.branch_id == branch_id)
        if box_id is not None:
            conditions.append(CameraRow.box_id == box_id)
        if retired is not None:
            conditions.append(CameraRow.retired_at_ms.is_not(None) if retired else CameraRow.retired_at_ms.is_(None))
        with self._database.read() as session:
            return page_of(session, CameraRow, CameraRow.camera_id, after, limit, *conditions)

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

    def change_assessment(self, assessment_id: str, change: AssessmentChange) -> None:
        """Let an assessment hold longer, or less long. Raises `NotFound`, `Conflict` for a revoked one."""
        with self._database.write() as session:
            row = _found_assessment(session, assessment_id)
            if row.revoked_at_ms is not None:
                raise Conflict("this assessment is revoked: a new one is needed")
            row.expires_at_ms = change.expires_at_ms
            cities = _tell_of_assessment(session, assessment_id)
        self._wake(cities)

    def revoke_assessment(self, assessment_id: str) -> None:
        """Let an assessment cover nothing from now on; safe to repeat. Raises `NotFound`."""
        with self._database.write() as session:
            row = _found_assessment(session, assessment_id)
            row.revoked_at_ms = row.revoked_at_ms or now_ms()
            cities = _tell_of_assessment(session, assessment_id)
        self._wake(cities)

    def assessments(self, after: str, limit: int) -> list[AssessmentRow]:
        """Return assessments by id."""
        with self._database.read() as session:
            return page_of(session, AssessmentRow, AssessmentRow.assessment_id, after, limit)

    def _wake(self, cities: set[str]) -> None:
        for city_id in cities:
            self._notifier.wake(city_id)


def _found(session: Session, camera_id: str) -> CameraRow:
    row = session.get(CameraRow, camera_id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no camera {camera_id}")
    return row


def _found_assessment(session: Session, assessment_id: str) -> AssessmentRow:
    row = session.get(AssessmentRow, assessment_id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no impact assessment {assessment_id}")
    return row


def _check(session: Session, row: CameraRow) -> None:
    """Raise `InvalidInput` unless this camera may be registered like this."""
    with session.no_autoflush:
        box = existing(session, BoxRow, row.box_id, "box")
        if row.assessment_id is not None:
            existing(session, AssessmentRow, row.assessment_id, "impact assessment")
    if box.branch_id != row.branch_id:
        raise InvalidInput(f"box {row.box_id} belongs to another branch than the camera")
    if row.local_recognition and row.mode != CameraMode.FEATURE:
        raise InvalidInput(_LOCAL_IS_FEATURE)


def _tell(session: Session, row: CameraRow) -> str:
    """Send a camera's entry to its city; and its box's, which carries what the city needs to embed pictures."""
    city_id = city_of(session, row.branch_id)
    if row.mode == CameraMode.PICTURE:
        publish(session, city_id, FeedKind.BOX, row.box_id)
    publish(session, city_id, FeedKind.CAMERA, row.camera_id)
    return city_id


def _tell_of_assessment(session: Session, assessment_id: str) -> set[str]:
    session.flush()
    cameras = session.scalars(select(CameraRow).where(CameraRow.assessment_id == assessment_id)).all()
    return {_tell(session, row) for row in cameras}
