"""Routes of the catalogue, /v1/catalogues and /v1/catalogue-releases."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from province_server.auth import Gate
from province_server.catalogues.messages import (
    CatalogueDetail,
    CatalogueOut,
    CataloguePage,
    ChangeOut,
    Checked,
    Diff,
    DraftText,
    EntryChange,
    EntryName,
    EntryTry,
    FaultOut,
    NewDraft,
    NewRelease,
    NoticeOut,
    ReleaseOut,
    ReleasePage,
    Vocabulary,
)
from province_server.catalogues.releases import CatalogueReleases
from province_server.catalogues.trial import CatalogueTrial, Trial, TriedOn
from province_server.catalogues.versions import CatalogueVersions, faults_of, said
from province_server.records import After, Id, Limit, next_cursor
from yingbin.offers.catalogue_edit import Table
from yingbin.offers.decision.context import SIGNALS
from yingbin.offers.entries import Category, Regime
from yingbin.offers.facts import FACT_TYPES, PLACEHOLDERS
from yingbin.offers.faults import Fault
from yingbin.offers.profile import Holding
from yingbin.storage.catalogues import CatalogueReleaseRow, CatalogueRow
from yingbin.trust.staff import Role, StaffToken


def routes(versions: CatalogueVersions, releases: CatalogueReleases, trial: CatalogueTrial, gate: Gate) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["catalogue"])
    reader = Depends(gate.requires(Role.PRODUCT_MANAGER, Role.GALLERY_ADMIN, Role.AUDITOR))
    _add_reading(router, versions, releases, reader)
    _add_writing(router, versions, gate)
    _add_releasing(router, releases, trial, gate)
    return router


def _add_reading(router: APIRouter, versions: CatalogueVersions, releases: CatalogueReleases, reader: Any) -> None:
    @router.get("/catalogues")
    def list_catalogues(who: Annotated[StaffToken, reader], after: After = "", limit: Limit = 50) -> CataloguePage:
        """List all versions, by age."""
        in_force = versions.in_force()
        items = [_out(row, who, in_force) for row in versions.page(after, limit)]
        return CataloguePage(items=items, next=next_cursor([item.catalogue_id for item in items], limit))

    @router.get("/catalogues/{catalogue_id}")
    def get_catalogue(catalogue_id: Id, who: Annotated[StaffToken, reader]) -> CatalogueDetail:
        """Read a version: its text, what it says, what is wrong with it."""
        return _detail(versions, versions.get(catalogue_id), who)

    @router.get("/catalogues/{catalogue_id}/diff", dependencies=[reader])
    def diff_catalogue(
        catalogue_id: Id,
        against: Annotated[Id | None, Query(description="a version's id; what is in force when absent")] = None,
    ) -> Diff:
        """Compare a version with another, or with what is in force."""
        number, changes = versions.changes(catalogue_id, against)
        return Diff(against=number, changes=[ChangeOut(**one.as_object) for one in changes])

    @router.get("/catalogue-releases", dependencies=[reader])
    def list_catalogue_releases(after: After = "", limit: Limit = 50) -> ReleasePage:
        """List all releases by age; one is in force."""
        items = [_release(row, number) for row, number in releases.page(after, limit)]
        return ReleasePage(items=items, next=next_cursor([item.release_id for item in items], limit))

    @router.get("/catalogue-vocabulary", dependencies=[reader])
    def get_catalogue_vocabulary() -> Vocabulary:
        """Say which facts, placeholders and words a catalogue may use."""
        return Vocabulary(
            facts={name: kind.__name__ for name, kind in FACT_TYPES.items()},
            placeholders=sorted(PLACEHOLDERS),
            categories=list(Category),
            regimes=list(Regime),
            holdings=list(Holding),
            signals=list(SIGNALS),
        )


def _add_writing(router: APIRouter, versions: CatalogueVersions, gate: Gate) -> None:
    writer = Depends(gate.requires(Role.PRODUCT_MANAGER))

    @router.post("/catalogues", status_code=201)
    def add_catalogue_draft(body: NewDraft, who: Annotated[StaffToken, writer]) -> CatalogueDetail:
        """Begin a draft as a copy of a version."""
        return _detail(versions, versions.draft(who.staff_id, body.based_on), who)

    @router.put("/catalogues/{catalogue_id}/text")
    def write_catalogue_text(catalogue_id: Id, body: DraftText, who: Annotated[StaffToken, writer]) -> CatalogueDetail:
        """Replace the text of a draft, mistakes and all; refused when somebody changed it since `revision`."""
        return _detail(versions, versions.write(catalogue_id, body.revision, body.text, who.staff_id), who)

    @router.put("/catalogues/{catalogue_id}/entries/{table}/{name}")
    def put_catalogue_entry(
        catalogue_id: Id, table: Table, name: EntryName, body: EntryChange, who: Annotated[StaffToken, writer]
    ) -> CatalogueDetail:
        """Change an entry of a draft in place, or add one under a name that none has; comments and order stay."""
        row = versions.put_entry(catalogue_id, body.revision, table, name, body.entry, who.staff_id)
        return _detail(versions, row, who)

    @router.delete("/catalogues/{catalogue_id}/entries/{table}/{name}")
    def remove_catalogue_entry(
        catalogue_id: Id,
        table: Table,
        name: EntryName,
        revision: Annotated[int, Query(ge=1, lt=2**53, description="of the draft as the caller read it")],
        who: Annotated[StaffToken, writer],
    ) -> CatalogueDetail:
        """Take an entry out of a draft."""
        return _detail(versions, versions.remove_entry(catalogue_id, revision, table, name, who.staff_id), who)

    @router.post("/catalogues/{catalogue_id}/entries/{table}/{name}/try", dependencies=[writer])
    def try_catalogue_entry(catalogue_id: Id, table: Table, name: EntryName, body: EntryTry) -> list[FaultOut]:
        """Say what would be wrong with an entry; changes nothing."""
        return _faults(versions.try_entry(catalogue_id, table, name, body.entry)[1])

    @router.post("/catalogues/{catalogue_id}/check", dependencies=[writer])
    def check_catalogue(catalogue_id: Id) -> Checked:
        """Check a draft: without faults it may be released by somebody else."""
        faults, told = versions.check(catalogue_id)
        return Checked(faults=_faults(faults), notices=[NoticeOut(**one.as_object) for one in told])

    @router.delete("/catalogues/{catalogue_id}", status_code=204, dependencies=[writer])
    def discard_catalogue(catalogue_id: Id) -> None:
        """Give a draft up; it stays in the list."""
        versions.discard(catalogue_id)


def _add_releasing(router: APIRouter, releases: CatalogueReleases, trial: CatalogueTrial, gate: Gate) -> None:
    releaser = Depends(gate.requires(Role.PRODUCT_MANAGER, Role.GALLERY_ADMIN))

    @router.get("/catalogues/{catalogue_id}/trial", dependencies=[releaser])
    def try_catalogue(catalogue_id: Id, of: TriedOn = "enrolled") -> Trial:
        """Try a version on the newest visits, or on a sample of the enrolled: how their offers would change."""
        return trial.run(catalogue_id, of)

    @router.post("/catalogues/{catalogue_id}/releases", status_code=201)
    def release_catalogue(catalogue_id: Id, body: NewRelease, who: Annotated[StaffToken, releaser]) -> ReleaseOut:
        """Release a checked version that others wrote; releasing an older one again rolls back."""
        release = releases.release(catalogue_id, who.staff_id, body.reason, body.from_ms)
        return _release(release, releases.number_of(catalogue_id))

    @router.delete("/catalogue-releases/{release_id}", status_code=204, dependencies=[releaser])
    def cancel_catalogue_release(release_id: Id) -> None:
        """Take back a release that waits for its moment."""
        releases.cancel(release_id)


def _out(row: CatalogueRow, who: StaffToken, in_force: str) -> CatalogueOut:
    may = who.role in {Role.PRODUCT_MANAGER, Role.GALLERY_ADMIN} and who.staff_id not in row.authors
    shown = {name: getattr(row, name) for name in CatalogueOut.model_fields if name not in {"needs_you", "in_force"}}
    return CatalogueOut(**shown, in_force=row.catalogue_id == in_force, needs_you=may and row.state == "checked")


def _detail(versions: CatalogueVersions, row: CatalogueRow, who: StaffToken) -> CatalogueDetail:
    shown = _out(row, who, versions.in_force()).model_dump()
    return CatalogueDetail(**shown, text=row.text, content=said(row.text), faults=_faults(faults_of(row.text)))


def _faults(faults: tuple[Fault, ...]) -> list[FaultOut]:
    return [FaultOut(**fault.as_object) for fault in faults]


def _release(row: CatalogueReleaseRow, catalogue_number: int) -> ReleaseOut:
    shown = {name: getattr(row, name) for name in ReleaseOut.model_fields if name != "catalogue_number"}
    return ReleaseOut(**shown, catalogue_number=catalogue_number)
