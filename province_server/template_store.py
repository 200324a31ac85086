"""The rows of templates and the links to them, in two stores: sealed, opened, deleted, whoever they are of.

A template is stored as a `pending` link with the key, then the sealed row; `vault.py` says when it counts.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, literal_column, select, update
from sqlalchemy.orm import Session

from province_server.filling import BATCH
from province_server.keys import PROVINCE, Keys
from yingbin.errors import BadConfiguration, Conflict, Unavailable, YingbinError
from yingbin.galleries import protect
from yingbin.galleries.protect import Domain, Vector
from yingbin.ids import new_id
from yingbin.storage.database import Database
from yingbin.storage.province import TemplateLink
from yingbin.storage.templates import TemplateRow
from yingbin.trust.consent import Gallery

_UNSETTLED = TemplateLink.state != literal_column("'linked'")
"""As the index of those few says it."""


@dataclass(frozen=True, slots=True, eq=False)
class NewTemplate:
    """Somebody's raw vector, unit fp32 (d,), and the gallery it is for."""

    customer_id: str
    gallery: Gallery
    vector: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A stored template that is not linked yet; `vector`: unit fp32 (d,) in `domain`."""

    template_id: str
    subject_id: str
    customer_id: str
    gallery: Gallery
    vector: Vector
    domain: Domain


class TemplateStore:
    """Writes, opens and deletes templates; both stores are written one after the other."""

    def __init__(self, identity: Database, templates: Database, keys: Keys, pack_id: str) -> None:
        self._identity = identity
        self._templates = templates
        self._keys = keys
        self._pack_id = pack_id

    def prepare(self, new: Sequence[NewTemplate]) -> list[Prepared]:
        """Store templates that nobody is found by until `link`; what is not linked goes with the next start."""
        domain = self._keys.domains(PROVINCE)[-1]
        prepared, links, rows = [], [], []
        for one in new:
            protected = protect.normalise(protect.apply(domain.transform, one.vector))
            key_sealed, vector_sealed = self._keys.seal_vector(protected)
            made = Prepared(new_id(), new_subject_id(), one.customer_id, one.gallery, protected, domain)
            prepared.append(made)
            links.append(
                {
                    "template_id": made.template_id, "customer_id": one.customer_id, "subject_id": made.subject_id,
                    "gallery": one.gallery, "key_sealed": key_sealed, "state": "pending",
                }
            )  # fmt: skip
            rows.append(
                {
                    "subject_id": made.subject_id, "pack_id": self._pack_id, "key_id": domain.key_id,
                    "vector_sealed": vector_sealed,
                }
            )  # fmt: skip
        rows.sort(key=lambda row: str(row["subject_id"]))  # an order that tells nothing
        with self._identity.write() as session:
            session.execute(insert(TemplateLink), links)
        with self._templates.write() as session:
            session.execute(insert(TemplateRow), rows)
        return prepared

    def changed_since(self, session: Session, prepared: Sequence[Prepared]) -> list[YingbinError | None]:
        """Return for each template why it can no longer be linked: a renewed key, or consent withdrawn meanwhile."""
        pending = (TemplateLink.subject_id.in_([one.subject_id for one in prepared]), TemplateLink.state == "pending")
        left = set(session.scalars(select(TemplateLink.subject_id).where(*pending)))
        domains = self._keys.domains(PROVINCE)
        return [_change(one.domain in domains, one.subject_id in left) for one in prepared]

    def discard(self, prepared: Sequence[Prepared]) -> None:
        """Destroy the keys of prepared templates that did not come to be linked, and their rows."""
        subjects = [one.subject_id for one in prepared]
        pending = (TemplateLink.subject_id.in_(subjects), TemplateLink.state == "pending")
        with self._identity.write() as session:
            session.execute(update(TemplateLink).where(*pending).values(state="erased", key_sealed=b""))
        self.purge("erased")

    def vectors(self, template_ids: list[str], domain: Domain) -> dict[str, Vector]:
        """Return the searchable templates among `template_ids`, unit fp32 (d,), in `domain`.

        Renewal moves a template from row to row: the caller holds the vault's lock, or asks the vault.
        """
        with self._identity.read() as session:
            links = session.scalars(
                select(TemplateLink).where(TemplateLink.template_id.in_(template_ids), TemplateLink.state == "linked")
            ).all()
        by_subject = {link.subject_id: link for link in links}
        with self._templates.read() as session:
            rows = session.scalars(
                select(TemplateRow).where(TemplateRow.subject_id.in_(by_subject), TemplateRow.pack_id == self._pack_id)
            ).all()
        return {
            by_subject[row.subject_id].template_id: self.opened(by_subject[row.subject_id], row, domain) for row in rows
        }

    def opened(self, link: TemplateLink, row: TemplateRow, domain: Domain) -> Vector:
        """Return the template of a row, unit fp32 (d,), in `domain`. Raises `SealBroken`, `UnknownKey`."""
        vector = self._keys.open_vector(row.key_id, link.key_sealed, row.vector_sealed)
        mapped: Vector = self._keys.mapped(vector[None, :], self._keys.domain(PROVINCE, row.key_id), domain)[0]
        return mapped

    def linked_after(self, template_id: str) -> list[TemplateLink]:
        """Return the next links to searchable templates, by template id."""
        with self._identity.read() as session:
            return list(
                session.scalars(
                    select(TemplateLink)
                    .where(TemplateLink.state == "linked", TemplateLink.template_id > template_id)
                    .order_by(TemplateLink.template_id)
                    .limit(BATCH)
                )
            )

    def purge(self, *states: str) -> None:
        """Delete the rows behind links in `states`, then the links."""
        while True:
            with self._identity.read() as session:
                doomed = session.scalars(
                    select(TemplateLink.subject_id).where(_UNSETTLED, TemplateLink.state.in_(states)).limit(BATCH)
                ).all()
            if not doomed:
                return
            with self._templates.write() as session:
                session.execute(delete(TemplateRow).where(TemplateRow.subject_id.in_(doomed)))
            with self._identity.write() as session:
                session.execute(delete(TemplateLink).where(TemplateLink.subject_id.in_(doomed)))


def _change(domain_in_use: bool, pending: bool) -> YingbinError | None:
    if not domain_in_use:
        return Unavailable("the province's key was renewed while the photo was being enrolled; send it again")
    return None if pending else Conflict("consent was withdrawn while the photo was being enrolled")


def require_pack(templates: Database, pack_id: str) -> None:
    """Raise `BadConfiguration` when every template was made with another model pack."""
    with templates.read() as session:
        packs = set(session.scalars(select(TemplateRow.pack_id).distinct()))
    if packs and pack_id not in packs:
        raise BadConfiguration(
            f"all templates were made with model pack {', '.join(sorted(packs))}, but models_pack is "
            f"{pack_id}: set models_pack back; changing packs needs new stores and enrolling again"
        )


def new_subject_id() -> str:
    """Return a random id: one with a time in it would say when somebody enrolled."""
    return secrets.token_hex(16)
