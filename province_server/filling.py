"""Brings the galleries to what the stores say, whatever they hold: nothing, what a folder held, or too much.

A template never changes under its id, so only ids are compared, and what a folder held is not opened again.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from sqlalchemy import select

from province_server.gallery import Galleries
from yingbin.galleries.rowtable import Keys, keys_of, unpack_id
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import TemplateLink
from yingbin.trust.consent import Gallery

BATCH: Final = 500
"""Templates opened at a time."""
_IDS_AT_ONCE: Final = 10_000
_KEY_BYTES: Final = 16

log = get_logger()


def fill(identity: Database, galleries: Galleries, add: Callable[[Sequence[str]], None]) -> None:
    """Have what the galleries lack added, `BATCH` ids at a time, and drop what the stores do not know."""
    held = {gallery: set(_one_by_one(galleries.held(gallery))) for gallery in Gallery}
    kept, added, after = 0, 0, ""
    while batch := _ids_after(identity, after):
        keys = _one_by_one(keys_of([template_id for template_id, _ in batch]))
        missing = []
        for (template_id, gallery), key in zip(batch, keys, strict=True):
            if key in held[gallery]:
                held[gallery].remove(key)
            else:
                missing.append(template_id)
        for start in range(0, len(missing), BATCH):
            add(missing[start : start + BATCH])
        kept, added, after = kept + len(batch) - len(missing), added + len(missing), batch[-1][0]
        log.info("galleries_filling", kept=kept, added=added)
    for gallery, surplus in held.items():
        for key in surplus:
            galleries.remove(gallery, unpack_id(np.frombuffer(key, np.uint64)))
        if surplus:
            log.warning("templates_dropped", gallery=gallery, count=len(surplus))


def _ids_after(identity: Database, template_id: str) -> list[tuple[str, Gallery]]:
    """Return id and gallery of the next searchable templates, by id."""
    linked = (TemplateLink.state == "linked", TemplateLink.template_id > template_id)
    some = select(TemplateLink.template_id, TemplateLink.gallery).where(*linked)
    with identity.read() as session:
        rows = session.execute(some.order_by(TemplateLink.template_id).limit(_IDS_AT_ONCE))
        return [(row.template_id, Gallery(row.gallery)) for row in rows]


def _one_by_one(keys: Keys) -> list[bytes]:
    raw = keys.tobytes()
    return [raw[start : start + _KEY_BYTES] for start in range(0, len(raw), _KEY_BYTES)]
