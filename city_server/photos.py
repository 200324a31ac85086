"""The one scene photo of a visit: taken only from the track it was asked of, sealed, attached to the card."""

from typing import Final

from sqlalchemy.orm import Session

from city_server.records import Records
from yingbin.errors import InvalidInput, NotAllowed
from yingbin.storage.city import VisitTrack
from yingbin.wire import MAX_SCENE_PHOTO_BYTES

MAX_SIDE_PX: Final = 4096
_START, _END = b"\xff\xd8", b"\xff\xd9"
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive
_SCAN: Final = 0xDA


class BadPhoto(InvalidInput):
    """Not a JPEG that a tablet can show, or too large."""

    code = "bad_photo"


def check_jpeg(raw: bytes, *, max_bytes: int = MAX_SCENE_PHOTO_BYTES, max_side_px: int = MAX_SIDE_PX) -> None:
    """Raise `BadPhoto` unless `raw` is a whole JPEG of at most so many bytes and px a side (ITU-T T.81, annex B)."""
    if len(raw) > max_bytes:
        raise BadPhoto(f"photo of {len(raw)} bytes; at most {max_bytes}")
    if not (raw.startswith(_START) and raw.endswith(_END)):
        raise BadPhoto("the photo is not a whole JPEG")
    position, framed = 2, False
    while position + 4 <= len(raw) and raw[position] == 0xFF:
        marker, size = raw[position + 1], int.from_bytes(raw[position + 2 : position + 4], "big")
        if marker in _FRAMES:
            height, width = (int.from_bytes(raw[position + at : position + at + 2], "big") for at in (5, 7))
            framed = 0 < height <= max_side_px and 0 < width <= max_side_px
        if marker == _SCAN and framed:
            return
        position += 2 + size
    raise BadPhoto(f"the photo's header is damaged or it is larger than {max_side_px} px a side")


class Photos:
    """Stores photos that were asked for."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def take(self, session: Session, track_key: str, jpeg: bytes) -> None:
        """Attach a photo, or note that the box no longer has it (empty). Raises `NotAllowed` or `BadPhoto`."""
        track = session.get(VisitTrack, track_key, with_for_update=True)
        if track is None or not track.photo_wanted:
            raise NotAllowed("this photo was not asked for and is not kept")
        if jpeg:
            check_jpeg(jpeg)
        track.photo_wanted = False
        visit = self._records.visit(session, track.visit_id)
        if not jpeg or visit.closed_at_ms is not None:
            return
        self._records.put_photo(session, visit.visit_id, jpeg)
        self._records.put_card(session, self._records.card_of_visit(session, visit.visit_id).stored)
