"""Consent by purpose (C1): nothing is matched, stored or offered without its own row."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from yingbin.errors import NotAllowed


class Purpose(StrEnum):
    """What a person can consent to, each by itself (PIPL art. 14, 29; 人脸识别办法 art. 5-6)."""

    VIP_SERVICE = "vip_service"
    TICKETING = "ticketing"
    TELLER_ASSIST = "teller_assist"
    MARKETING = "marketing"
    WHEREABOUTS = "whereabouts"
    CENTRAL_STORAGE = "central_storage"


class Gallery(StrEnum):
    """The galleries a camera may search."""

    VIP = "vip"
    POTENTIAL = "potential"


GALLERY_PURPOSE: Final[dict[Gallery, Purpose]] = {
    Gallery.VIP: Purpose.VIP_SERVICE,
    Gallery.POTENTIAL: Purpose.VIP_SERVICE,
}
"""The consent under which a template may be searched in a gallery."""


class ConsentMissing(NotAllowed):
    """The customer has not consented to this purpose, or has withdrawn."""

    code = "consent_missing"


def require(granted: Collection[Purpose], *needed: Purpose) -> None:
    """Raise `ConsentMissing`, naming every purpose of `needed` that is not in `granted`."""
    missing = [purpose.value for purpose in needed if purpose not in granted]
    if missing:
        raise ConsentMissing(f"consent is missing for: {', '.join(missing)}; record it before continuing")
