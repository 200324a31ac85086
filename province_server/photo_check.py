"""Would this photo do? What the enrolment page shows before enrolling. Nothing is kept, nobody is compared."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, UploadFile
from pydantic import BaseModel

from province_server.auth import Gate
from province_server.enrolment import PhotoReader, content_of
from province_server.limits import RateLimit
from yingbin.faces.enrolment import Criterion, Examined, Reason
from yingbin.faces.face import Face
from yingbin.trust.staff import Role, StaffToken

_DIGITS: Final = 3


class FaceOut(BaseModel):
    """A face in pixels of the upright photo: left, top, right, bottom, and x, y of eyes, nose tip, mouth corners."""

    box: list[float]
    landmarks: list[list[float]]
    main: bool


class VerdictOut(BaseModel):
    """One criterion. Units: people, pixels, degrees, grey level 0..255, sharpness 0..1; no bound where null."""

    criterion: Criterion
    value: float
    lowest: float | None
    highest: float | None
    passed: bool
    reason: Reason | None


class PhotoChecked(BaseModel):
    """What a photo shows and whether it would be taken. The sides are in pixels, of the photo turned upright."""

    width: int
    height: int
    usable: bool
    faces: list[FaceOut]
    verdicts: list[VerdictOut]


def routes(reader: PhotoReader, limit: RateLimit, gate: Gate) -> APIRouter:
    """Return the route of checking a photo; `limit` is each enroller's."""
    router = APIRouter(prefix="/v1/enrolment", tags=["enrolment"])
    enroller = Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))

    @router.post("/check")
    def check_photo(photo: UploadFile, who: Annotated[StaffToken, enroller]) -> PhotoChecked:
        """Say how good a photo is; it is neither kept nor compared with anybody."""
        limit.spend(who.staff_id)
        width, height, examined = reader.examine(content_of(photo))
        return PhotoChecked(
            width=width,
            height=height,
            usable=all(verdict.reason is None for verdict in examined.verdicts),
            faces=[_face(face, examined) for face in examined.faces],
            verdicts=[
                VerdictOut(
                    criterion=verdict.criterion,
                    value=round(verdict.value, _DIGITS),
                    lowest=verdict.lowest,
                    highest=verdict.highest,
                    passed=verdict.reason is None,
                    reason=verdict.reason,
                )
                for verdict in examined.verdicts
            ],
        )

    return router


def _face(face: Face, examined: Examined) -> FaceOut:
    return FaceOut(
        box=[round(float(side), 1) for side in face.box],
        landmarks=[[round(float(x), 1), round(float(y), 1)] for x, y in face.landmarks],
        main=face is examined.main,
    )
