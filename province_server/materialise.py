"""What a feed entry says: the state of each thing when the page is read."""

import hashlib
from collections import defaultdict
from collections.abc import Callable

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.cards import Cards, city_of
from province_server.feed import changes
from province_server.keys import Keys, box_key, city_key
from province_server.lifecycle.receipts import Receipts
from province_server.renewal import CityRenewals
from province_server.settings import ProvinceSettings
from province_server.vault import TemplateVault
from province_server.watch.feed import WatchFeed
from yingbin import feed_wire, wire
from yingbin.feed_wire import FeedEntry, FeedKind, FeedPage
from yingbin.galleries import protect
from yingbin.galleries.protect import Domain
from yingbin.ids import now_ms
from yingbin.storage.database import Database
from yingbin.storage.province import AssessmentRow, BoxRow, BranchRow, CameraRow, StaffRow, TemplateLink
from yingbin.trust.consent import Gallery

_HOUR_MS = 3_600_000


def camera_of(session: Session, row: CameraRow) -> wire.Camera:
    """Return a camera with its assessment as registered: a retired camera has none, a revoked one has expired."""
    in_use = row.assessment_id if row.retired_at_ms is None else None
    assessment = session.get(AssessmentRow, in_use) if in_use else None
    return wire.Camera(
        row.camera_id,
        row.branch_id,
        row.box_id,
        wire.CameraRole(row.role),
        wire.CameraMode(row.mode),
        wire.Assessment(
            assessment.assessment_id,
            min(assessment.expires_at_ms, assessment.revoked_at_ms or assessment.expires_at_ms),
            tuple(wire.CameraRole(role) for role in assessment.roles),
            tuple(wire.CameraMode(mode) for mode in assessment.modes),
            tuple(assessment.galleries),
            assessment.local_recognition,
        )
        if assessment
        else None,
        row.local_recognition,
        row.min_face_px,
    )


def _sends_pictures(session: Session, box_id: str) -> bool:
    """Return whether a camera of this box is registered for picture mode under an assessment that covers it (C3)."""
    at_ms = now_ms()
    of_box = select(CameraRow).where(
        CameraRow.box_id == box_id,
        CameraRow.mode == wire.CameraMode.PICTURE,
        CameraRow.retired_at_ms.is_(None),
    )
    cameras = (camera_of(session, row) for row in session.scalars(of_box))
    return any(
        camera.assessment.covers(camera.role, camera.mode, gallery, at_ms)
        for camera in cameras
        if camera.assessment
        for gallery in camera.assessment.galleries
    )


class FeedReader:
    """Makes the pages of a city's feed."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        cards: Cards,
        vault: TemplateVault,
        pack_id: str,
        settings: ProvinceSettings,
        renewals: CityRenewals,
        watch: WatchFeed,
        receipts: Receipts,
        has_met: Callable[[str, str], bool],
    ) -> None:
        """`has_met`: whether a city was told of a customer lately."""
        self._database = database
        self._keys = keys
        self._cards = cards
        self._vault = vault
        self._pack_id = pack_id
        self._lease_ms = round(settings.feed_lease_h * _HOUR_MS)
        self._page_entries = settings.feed_page_entries
        self._renewals = renewals
        self._watch = watch
        self._receipts = receipts
        self._has_met = has_met

    def page(self, city_id: str, after: int, key_id: str) -> FeedPage:
        """Return the changes after a revision; 0 asks for a snapshot, whose further pages are asked for by `up_to`.

        The page is in the city's domain `key_id`. Who asks for one that is no more begins a snapshot in the newest.
        """
        domains = self._keys.domains(city_key(city_id))
        domain = next((known for known in domains if known.key_id == key_id), None)
        if domain is None:
            domain, after = domains[-1], 0
        with self._database.read() as session:
            rows, head, snapshot = changes(session, city_id, after, self._page_entries)
            keys_of: dict[FeedKind, list[str]] = defaultdict(list)
            for row in rows:
                keys_of[FeedKind(row.kind)].append(row.key)
            payloads = {kind: self._payloads(session, city_id, domain, kind, keys) for kind, keys in keys_of.items()}
        entries = tuple(
            FeedEntry(row.revision, kind, row.key, payloads[kind].get(row.key))
            for row in rows
            for kind in (FeedKind(row.kind),)
        )
        up_to = rows[-1].revision if len(rows) == self._page_entries else head
        checksum = hashlib.sha256(msgspec.msgpack.encode(entries)).digest()
        lease_until_ms = now_ms() + self._lease_ms
        newest = domains[-1].key_id
        page = FeedPage(snapshot, entries, up_to, head, checksum, lease_until_ms, domain.key_id, newest)
        self._renewals.note(city_id, after, page)
        if (
            domain == domains[0] and 0 < after <= head
        ):  # what it serves has all of this: a withdrawal is in effect there
            self._receipts.applied(city_id, after)
        return page

    def _payloads(
        self, session: Session, city_id: str, domain: Domain, kind: FeedKind, keys: list[str]
    ) -> dict[str, bytes]:
        """Return key -> payload; what is missing was removed."""
        match kind:
            case FeedKind.BRANCH:
                things = self._branches(session, keys)
            case FeedKind.CAMERA:
                things = self._cameras(session, keys)
            case FeedKind.BOX:
                things = self._boxes(session, domain, keys)
            case FeedKind.STAFF:
                things = self._staff(session, city_id, keys)
            case FeedKind.CARD_VIEW:
                things = self._card_views(session, city_id, keys)
            case FeedKind.GUEST_VIEW:
                met = [key for key in keys if self._has_met(city_id, key)]
                things = {key: card for key in met if (card := self._cards.card_view(session, key))}
            case FeedKind.TEMPLATE:
                things = self._templates(session, domain, keys)
            case FeedKind.WATCH_MAP:
                things = self._watch.maps(city_id, domain, keys)
            case FeedKind.WATCH_ENTRY:
                things = self._watch.entries(session, city_id, keys)
        return {key: wire.encode(thing) for key, thing in things.items()}

    def _card_views(self, session: Session, city_id: str, keys: list[str]) -> dict[str, msgspec.Struct]:
        """Return the cards of those at home in this city; of anybody else it is only ever told to forget him."""
        cards = {key: card for key in keys if (card := self._cards.card_view(session, key))}
        return {key: card for key, card in cards.items() if city_of(session, card.home_branch_id) == city_id}

    def _branches(self, session: Session, keys: list[str]) -> dict[str, msgspec.Struct]:
        rows = session.scalars(select(BranchRow).where(BranchRow.branch_id.in_(keys)))
        return {row.branch_id: feed_wire.Branch(row.branch_id, row.name_zh, row.name_en) for row in rows}

    def _cameras(self, session: Session, keys: list[str]) -> dict[str, msgspec.Struct]:
        rows = session.scalars(
            select(CameraRow).where(CameraRow.camera_id.in_(keys), CameraRow.retired_at_ms.is_(None))
        )
        return {row.camera_id: camera_of(session, row) for row in rows}

    def _boxes(self, session: Session, city: Domain, keys: list[str]) -> dict[str, msgspec.Struct]:
        rows = session.scalars(select(BoxRow).where(BoxRow.box_id.in_(keys)))
        return {
            row.box_id: feed_wire.Box(
                row.box_id,
                row.branch_id,
                row.public_key,
                row.revoked,
                {
                    box.key_id: protect.encode_transform(self._keys.map(box, city))
                    for box in self._keys.domains(box_key(row.box_id))
                },
                protect.encode_transform(city.transform)
                if not row.revoked and _sends_pictures(session, row.box_id)
                else b"",
            )
            for row in rows
        }

    def _staff(self, session: Session, city_id: str, keys: list[str]) -> dict[str, msgspec.Struct]:
        of_city = select(StaffRow).join(BranchRow, BranchRow.branch_id == StaffRow.branch_id)
        rows = session.scalars(
            of_city.where(StaffRow.staff_id.in_(keys), StaffRow.active, BranchRow.city_id == city_id)
        )
        return {
            row.staff_id: feed_wire.Staff(
                row.staff_id,
                row.display_name,
                row.role,
                row.duty_branch_id or row.branch_id or "",
                row.secret_hash,
                row.on_duty,
                row.token_version,
            )
            for row in rows
        }

    def _templates(self, session: Session, city: Domain, keys: list[str]) -> dict[str, msgspec.Struct]:
        links = session.scalars(select(TemplateLink).where(TemplateLink.template_id.in_(keys))).all()
        vectors = self._vault.vectors(keys, city)
        return {
            link.template_id: feed_wire.Template(
                link.template_id,
                link.customer_id,
                self._pack_id,
                Gallery(link.gallery),
                protect.encode_template(vectors[link.template_id]),
            )
            for link in links
            if link.template_id in vectors
        }
