"""Cities, branches and boxes: what exists, and what the cities are told of it."""

import base64
import binascii

from pydantic import Field, model_validator
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from province_server.cards import city_of
from province_server.feed import Notifier, publish
from province_server.keys import Keys, box_key, city_key
from province_server.records import AN_ID, Body, Id, Label, existing, insert, page_of
from yingbin.errors import Conflict, InvalidInput, NotFound
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import Domain, encode_transform
from yingbin.ids import new_id
from yingbin.storage.database import Database
from yingbin.storage.province import BoxRow, BranchRow, City
from yingbin.storage.statistics import BoxSeenRow
from yingbin.trust.devices import BoxBundle

_KEY_BYTES = 32
_A_KEY = base64.b64encode(bytes(range(_KEY_BYTES))).decode()


class NewCity(Body):
    """A city server, by the key that `yingbin keys device` printed there."""

    name: Label = Field(examples=["成都"])
    public_key_base64: str = Field(max_length=64, examples=[_A_KEY])


class CityChange(Body):
    """A city's new name."""

    name: Label = Field(examples=["成都"])


class NewBranch(Body):
    """A branch of a city."""

    city_id: Id = Field(examples=[AN_ID])
    name_zh: Label = Field(examples=["天府支行"])
    name_en: Label = Field(examples=["Tianfu branch"])


class BranchChange(Body):
    """A branch's new names; what is left out stays."""

    name_zh: Label | None = Field(default=None, examples=["天府支行"])
    name_en: Label | None = Field(default=None, examples=["Tianfu branch"])

    @model_validator(mode="after")
    def _changes_something(self) -> "BranchChange":
        if self.name_zh is None and self.name_en is None:
            raise ValueError("nothing to change: give `name_zh` or `name_en`")
        return self


class NewBox(Body):
    """A camera box, by the key that `yingbin keys device` printed there."""

    branch_id: Id = Field(examples=[AN_ID])
    public_key_base64: str = Field(max_length=64, examples=[_A_KEY])


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

    def change_city(self, city_id: str, change: CityChange) -> None:
        """Rename a city. Raises `NotFound`."""
        with self._database.write() as session:
            city = session.get(City, city_id)
            if city is None:
                raise NotFound(f"there is no city {city_id}")
            city.name = change.name

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

    def change_branch(self, branch_id: str, change: BranchChange) -> None:
        """Rename a branch. Raises `NotFound`."""
        with self._database.write() as session:
            row = session.get(BranchRow, branch_id)
            if row is None:
                raise NotFound(f"there is no branch {branch_id}")
            for name, value in change.model_dump(exclude_none=True).items():
                setattr(row, name, value)
            session.flush()
            publish(session, row.city_id, FeedKind.BRANCH, branch_id)
            city_id = row.city_id
        self._notifier.wake(city_id)

    def add_box(self, new: NewBox) -> BoxBundle:
        """Return what the box needs, once: its transform is secret. Raises `InvalidInput`, `Conflict`."""
        box_id = new_id()
        public_key = _public_key(new.public_key_base64)
        with insert(self._database, "a box with this public key is registered already") as session:
            existing(session, BranchRow, new.branch_id, "branch")
            session.add(BoxRow(box_id=box_id, branch_id=new.branch_id, public_key=public_key, revoked=False))
            session.flush()
            domain = self._keys.create(box_key(box_id))
            city_id = self._tell(session, new.branch_id, box_id)
        self._notifier.wake(city_id)
        return self._bundle(box_id, new.branch_id, city_id, domain)

    def renew_box(self, box_id: str) -> BoxBundle:
        """Return a bundle with a new key; the box may use either until `retire_box_key`. Safe to repeat, as long.

        Raises `NotFound`.
        """
        domain = self._keys.begin(box_key(self._known_box(box_id)))
        branch_id, city_id = self._tell_of_box(box_id)
        return self._bundle(box_id, branch_id, city_id, domain)

    def retire_box_key(self, box_id: str, *, force: bool = False) -> None:
        """Destroy the key that was renewed: with the old bundle the box is refused. Safe to repeat.

        Raises `NotFound`, or `Conflict` when the box was last seen with the old bundle, unless `force`.
        """
        known = self._known_box(box_id)
        with self._database.read() as session:
            in_use = session.get_one(BoxRow, known).key_id_in_use
        if not force and in_use not in {"", self._keys.domains(box_key(known))[-1].key_id}:
            raise Conflict(
                f"box {known} was last seen with its old bundle and would be turned away: bring it the new one, "
                "restart it and wait until its city has reported it; or finish with `force`"
            )
        self._keys.finish(box_key(known))
        self._tell_of_box(box_id)

    def revoke_box(self, box_id: str) -> None:
        """Refuse a box from now on; safe to repeat. Raises `NotFound`."""
        self._known_box(box_id)
        with self._database.write() as session:
            row = session.get_one(BoxRow, box_id)
            row.revoked = True
            session.flush()
            city_id = self._tell(session, row.branch_id, box_id)
        self._notifier.wake(city_id)

    def cities(self, after: str, limit: int) -> list[tuple[City, int | None]]:
        """Return cities by id, each with when it last asked for its feed."""
        with self._database.read() as session:
            rows = page_of(session, City, City.city_id, after, limit)
        return [(row, self._notifier.asked_at_ms(row.city_id)) for row in rows]

    def branches(self, after: str, limit: int, city_id: str | None) -> list[BranchRow]:
        """Return branches by id, of one city or of all."""
        conditions = [BranchRow.city_id == city_id] if city_id is not None else []
        with self._database.read() as session:
            return page_of(session, BranchRow, BranchRow.branch_id, after, limit, *conditions)

    def boxes(
        self, after: str, limit: int, branch_id: str | None, *, revoked: bool | None
    ) -> list[tuple[BoxRow, str, int]]:
        """Return boxes by id: of a branch, revoked or not; None is all.

        Each with the key id of its newest bundle, and when it was last seen (UTC ms), 0 for never.
        """
        conditions: list[ColumnElement[bool]] = []
        if branch_id is not None:
            conditions.append(BoxRow.branch_id == branch_id)
        if revoked is not None:
            conditions.append(BoxRow.revoked.is_(revoked))
        with self._database.read() as session:
            rows = page_of(session, BoxRow, BoxRow.box_id, after, limit, *conditions)
            of_these = select(BoxSeenRow).where(BoxSeenRow.box_id.in_([row.box_id for row in rows]))
            seen = {one.box_id: one.last_seen_at_ms for one in session.scalars(of_these)}
        return [(row, self._keys.domains(box_key(row.box_id))[-1].key_id, seen.get(row.box_id, 0)) for row in rows]

    def _known_box(self, box_id: str) -> str:
        with self._database.read() as session:
            if session.get(BoxRow, box_id) is None:
                raise NotFound(f"there is no box {box_id}")
        return box_id

    def _tell_of_box(self, box_id: str) -> tuple[str, str]:
        """Send a box's entry to its city again; return branch and city."""
        with self._database.write() as session:
            branch_id = session.get_one(BoxRow, box_id).branch_id
            city_id = self._tell(session, branch_id, box_id)
        self._notifier.wake(city_id)
        return branch_id, city_id

    def _bundle(self, box_id: str, branch_id: str, city_id: str, domain: Domain) -> BoxBundle:
        transform = base64.b64encode(encode_transform(domain.transform)).decode()
        return BoxBundle(box_id, branch_id, city_id, self._pack_id, self._dimension, transform)

    def _tell(self, session: Session, branch_id: str, box_id: str) -> str:
        city_id = city_of(session, branch_id)
        publish(session, city_id, FeedKind.BOX, box_id)
        return city_id


def _public_key(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise InvalidInput("public_key_base64 must be an Ed25519 public key: the line `yingbin keys device` prints")
    return raw
