"""From a photo to a searchable template. The photo is looked at in memory and never kept."""

from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Form, UploadFile
from prometheus_client import Gauge
from pydantic import BaseModel

from province_server.auth import Gate
from province_server.duplicates import Duplicates
from province_server.gallery import Galleries
from province_server.records import Id
from province_server.vault import TemplateVault
from yingbin.errors import InvalidInput
from yingbin.faces.engine import FaceEngine
from yingbin.faces.enrolment import Acquired, Examined, acquire, decode_image, examine
from yingbin.faces.scores import ScoreModel
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.trust.consent import Gallery
from yingbin.trust.staff import Role

log = get_logger()
_TEMPLATES = Gauge("yingbin_province_templates", "Templates an entrance camera is compared with.")
_FIT_FOR = Gauge("yingbin_province_pack_fit_for_templates", "Templates the model pack is fit for.")
MAX_PHOTO_BYTES = 12 * 1024 * 1024


class PhotoReader(Protocol):
    """Makes vectors of photos, with one model pack."""

    @property
    def pack_id(self) -> str:
        """The pack that all galleries are bound to."""

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""

    @property
    def scores(self) -> ScoreModel:
        """The pack's impostor statistics."""

    def read(self, content: bytes) -> Acquired:
        """Return the face in a photo. Raises `NotAnImage`, `EnrolmentRefused`."""

    def examine(self, content: bytes) -> tuple[int, int, Examined]:
        """Return width and height of a photo in pixels, and how it is. Raises `NotAnImage`."""


@dataclass(frozen=True, slots=True)
class EngineReader:
    """`PhotoReader` of a real model pack; any thread may call."""

    engine: FaceEngine

    @property
    def pack_id(self) -> str:
        """The pack that all galleries are bound to."""
        return self.engine.pack.pack_id

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self.engine.pack.dimension

    @property
    def scores(self) -> ScoreModel:
        """The pack's impostor statistics."""
        return self.engine.pack.scores

    def read(self, content: bytes) -> Acquired:
        """Return the face in a photo. Raises `NotAnImage`, `EnrolmentRefused`."""
        return acquire(self.engine, decode_image(content))

    def examine(self, content: bytes) -> tuple[int, int, Examined]:
        """Return width and height of a photo in pixels, and how it is. Raises `NotAnImage`."""
        image = decode_image(content)
        return image.shape[1], image.shape[0], examine(self.engine, image)


class QualityOut(BaseModel):
    """How good the photo is: see `yingbin.faces.quality.Quality`."""

    size_px: float
    yaw: float
    roll: float
    sharpness: float
    brightness: float
    contrast: float
    overall: float


class Enrolled(BaseModel):
    """The photo became a template. `warnings` are for whoever runs the province; the template serves all the same."""

    template_id: str
    quality: QualityOut
    warnings: list[str] = []


class EnrolmentService:
    """Enrols a consenting customer from a photo."""

    def __init__(
        self,
        database: Database,
        vault: TemplateVault,
        galleries: Galleries,
        duplicates: Duplicates,
        reader: PhotoReader,
    ) -> None:
        self._database = database
        self._vault = vault
        self._duplicates = duplicates
        self._galleries = galleries
        self._reader = reader
        _FIT_FOR.set(reader.scores.fit_for_templates)
        _TEMPLATES.set_function(lambda: galleries.count(list(Gallery)))

    def enrol(self, customer_id: str, gallery: Gallery, photo: bytes) -> Enrolled:
        """Return the new template's id and the photo's quality.

        Raises `NotFound`, `ConsentMissing` or `Conflict` before the photo is looked at, then `NotAnImage`,
        `EnrolmentRefused` or `PossibleDuplicate`.
        """
        with self._database.read() as session:
            self._vault.check_may_add(session, customer_id, gallery)
        acquired = self._reader.read(photo)
        self._duplicates.refuse(customer_id, acquired.vector)
        template_id = self._vault.add(customer_id, gallery, acquired.vector)
        quality = QualityOut.model_validate(acquired.quality, from_attributes=True)
        return Enrolled(template_id=template_id, quality=quality, warnings=self._outgrown())

    def _outgrown(self) -> list[str]:
        """Warn when the galleries, which an entrance camera searches together, are larger than the pack is fit for."""
        templates, fit_for = self._galleries.count(list(Gallery)), self._reader.scores.fit_for_templates
        if templates <= fit_for:
            return []
        pack_id = self._reader.pack_id
        if templates == fit_for + 1:
            log.warning("galleries_outgrow_pack", templates=templates, fit_for=fit_for, pack_id=pack_id)
        warning = (
            f"the galleries hold {templates:,} templates, but model pack {pack_id} is fit for {fit_for:,}: more and "
            "more customers will be missed; see `yingbin gallery calibrate`, and plan a stronger pack"
        )
        return [warning]


def content_of(photo: UploadFile) -> bytes:
    """Return the bytes of an uploaded photo. Raises `InvalidInput` when there are too many."""
    content = photo.file.read(MAX_PHOTO_BYTES + 1)
    if len(content) > MAX_PHOTO_BYTES:
        raise InvalidInput(f"the photo is larger than {MAX_PHOTO_BYTES // 2**20} MiB: make it smaller")
    return content


def routes(enrolment: EnrolmentService, gate: Gate) -> APIRouter:
    """Return the routes of enrolment."""
    router = APIRouter(prefix="/v1/customers/{customer_id}/photos", tags=["enrolment"])
    enroller = [Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))]

    @router.post("", status_code=201, dependencies=enroller)
    def enrol_photo(customer_id: Id, photo: UploadFile, gallery: Annotated[Gallery, Form()]) -> Enrolled:
        """Enrol a photo; refused with the reason when it cannot make a good template."""
        return enrolment.enrol(customer_id, gallery, content_of(photo))

    return router
