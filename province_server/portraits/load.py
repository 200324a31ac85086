"""Takes in what `yingbin portrait build` wrote: of customers of the registry, what they consent to now (C1)."""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from province_server.portraits.store import NEEDED, PortraitStore
from province_server.records import Body, Id
from province_server.vault import TemplateVault
from yingbin.errors import InvalidInput
from yingbin.offers.portrait.definitions import Tags
from yingbin.offers.portrait.page import EventRow, HoldingRow, Portrait, TagRow
from yingbin.offers.profile import MAX_AMOUNT_FEN
from yingbin.storage.database import Database
from yingbin.storage.portraits import PortraitRow
from yingbin.storage.province import ConsentRow, CustomerRow
from yingbin.trust.consent import Purpose

AT_ONCE: Final = 200
"""Customers a request and a transaction, at most."""

_Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]


class TagIn(Body):
    """A tag and its value, as the job writes it."""

    tag: _Code = Field(examples=["assets_fen"])
    value: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(examples=["36000000"])
    as_of: date
    expires_on: date


class HoldingIn(Body):
    """What a customer holds or owes of a product, CNY fen."""

    product: _Code = Field(examples=["time_deposit"])
    kind: _Code = Field(examples=["time"])
    balance_fen: Annotated[int, Field(ge=0, le=MAX_AMOUNT_FEN)]
    matures_on: date | None = None
    as_of: date
    expires_on: date


class EventIn(Body):
    """An event of the timeline; `detail` is a product or a level."""

    day: date
    event: _Code = Field(examples=["bought"])
    detail: _Code = Field(examples=["wealth_r2"])
    as_of: date
    expires_on: date


class PortraitIn(Body):
    """All that the job found of a customer."""

    customer_id: Id
    tags: list[TagIn] = Field(default_factory=list, max_length=200)
    holdings: list[HoldingIn] = Field(default_factory=list, max_length=200)
    timeline: list[EventIn] = Field(default_factory=list, max_length=200)


class PortraitsIn(Body):
    """Portraits of one run of the job. `as_of`: the day it describes."""

    as_of: date
    items: list[PortraitIn] = Field(min_length=1, max_length=AT_ONCE)


class Loaded(BaseModel):
    """How many portraits were stored, and why the others were not."""

    stored: int = 0
    unknown: int = Field(default=0, description="no such customer in the registry")
    without_consent: int = Field(default=0, description="`marketing` or `central_storage` is not in force")
    older: int = Field(default=0, description="a newer one is stored")


class PortraitLoader:
    """Stores portraits; safe to repeat."""

    def __init__(self, database: Database, store: PortraitStore, vault: TemplateVault) -> None:
        self._database = database
        self._store = store
        self._vault = vault

    def load(self, body: PortraitsIn) -> Loaded:
        """Store some portraits in one transaction. Raises `InvalidInput` naming what the definitions do not know.

        Whoever no longer consents has none afterwards.
        """
        portraits = [(one.customer_id, checked(one, self._store.tags)) for one in body.items]
        counts = dict.fromkeys(Loaded.model_fields, 0)
        with self._vault.lock, self._database.write() as session:
            ids = [customer_id for customer_id, _ in portraits]
            known = set(session.scalars(select(CustomerRow.customer_id).where(CustomerRow.customer_id.in_(ids))))
            granted = _consents(session, ids)
            for customer_id, portrait in portraits:
                counts[self._one(session, customer_id, body.as_of, portrait, granted[customer_id], known)] += 1
        return Loaded(**counts)

    def _one(
        self,
        session: Session,
        customer_id: str,
        as_of: date,
        portrait: Portrait,
        granted: AbstractSet[Purpose],
        known: AbstractSet[str],
    ) -> str:
        if customer_id not in known:
            return "unknown"
        kept = portrait._replace(tags=self._store.permitted(portrait.tags, granted))
        if not granted >= NEEDED or not any(kept):
            session.execute(delete(PortraitRow).where(PortraitRow.customer_id == customer_id))
            return "without_consent"
        return "stored" if self._store.put(session, customer_id, as_of, kept) else "older"


def checked(one: PortraitIn, tags: Tags) -> Portrait:
    """Return a portrait whose every value can be said. Raises `InvalidInput` naming tag or event, never a value."""
    known, events = tags.by_id, {event.id for event in tags.event}
    for tag in one.tags:
        if tag.tag not in known:
            raise InvalidInput(f"tag {tag.tag} is not defined here; build the portraits with this version")
        try:
            known[tag.tag].words(tag.value)
        except (ValueError, OverflowError) as error:
            raise InvalidInput(f"a value of tag {tag.tag} is no {known[tag.tag].type}; build the files anew") from error
    for event in one.timeline:
        if event.event not in events:
            raise InvalidInput(f"event {event.event} is not defined here; build the portraits with this version")
    newest_first = sorted(one.timeline, key=lambda row: (-row.day.toordinal(), row.event, row.detail))
    return Portrait(
        tuple(TagRow(row.tag, row.value, row.as_of, row.expires_on) for row in one.tags),
        tuple(
            HoldingRow(row.product, row.kind, row.balance_fen, row.matures_on, row.as_of, row.expires_on)
            for row in sorted(one.holdings, key=lambda row: (-row.balance_fen, row.product))
        ),
        tuple(EventRow(row.day, row.event, row.detail, row.as_of, row.expires_on) for row in newest_first),
    )


def _consents(session: Session, customer_ids: Sequence[str]) -> defaultdict[str, set[Purpose]]:
    in_force = (ConsentRow.customer_id.in_(customer_ids), ConsentRow.withdrawn_at_ms.is_(None))
    granted = defaultdict[str, set[Purpose]](set)
    for customer_id, purpose in session.execute(select(ConsentRow.customer_id, ConsentRow.purpose).where(*in_force)):
        granted[customer_id].add(Purpose(purpose))
    return granted
