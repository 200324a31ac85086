"""The catalogue in force, as a session of the identity store sees it.

Every process of the province reads the same row with the data it is about to use, so none goes on with an old one.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from yingbin.errors import BadConfiguration, Unavailable
from yingbin.offers.catalogue import Catalogue, parse_catalogue
from yingbin.storage.catalogues import CatalogueReleaseRow, CatalogueRow

IN_FORCE: Final = "in_force"
_SEEN: Final = "catalogue_in_force"


class InForce:
    """Call it with a session: the catalogue in force, compiled once a version and looked up once a session."""

    def __init__(self) -> None:
        self._known: tuple[str, Catalogue] | None = None
        self._broken: tuple[str, BadConfiguration] | None = None

    def __call__(self, session: Session) -> Catalogue:
        """Return the catalogue. Raises `BadCatalogue` when this version of the software refuses it."""
        found = session.info.get(_SEEN)
        if isinstance(found, Catalogue):
            return found
        released = select(CatalogueReleaseRow.catalogue_id).where(CatalogueReleaseRow.state == IN_FORCE)
        catalogue_id = session.scalars(released).one()
        known = self._known
        if self._broken is not None and self._broken[0] == catalogue_id:
            raise self._broken[1].with_traceback(None)
        if known is None or known[0] != catalogue_id:
            row = session.get_one(CatalogueRow, catalogue_id)
            try:
                known = self._known = (catalogue_id, parse_catalogue(row.text, f"catalogue {row.number}"))
            except BadConfiguration as error:  # its mistakes are not looked for again with every customer
                self._broken = (catalogue_id, error)
                raise
        session.info[_SEEN] = known[1]
        return known[1]

    @property
    def last_good(self) -> Catalogue | None:
        """What this process could last use, if anything: the one in force now may be broken."""
        return self._known[1] if self._known else None

    def names(self) -> Mapping[str, tuple[str, str]]:
        """Return product code -> (Chinese, English) name, of what was in force when this process last looked."""
        return _Names(self)

    @property
    def newest(self) -> Catalogue:
        """What this process last saw in force, seconds ago at most: for work that has no session at hand."""
        if self._known is None:
            raise Unavailable("no catalogue has been looked up yet; try again")
        return self._known[1]


class _Names(Mapping[str, tuple[str, str]]):
    """A live view: a product of a later catalogue has its name here too."""

    def __init__(self, in_force: InForce) -> None:
        self._in_force = in_force

    def _products(self) -> dict[str, tuple[str, str]]:
        return {code: (one.name_zh, one.name_en) for code, one in self._in_force.newest.products.items()}

    def __getitem__(self, code: str) -> tuple[str, str]:
        return self._products()[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._products())

    def __len__(self) -> int:
        return len(self._products())
