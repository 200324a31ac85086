"""The province's catalogues: every version as text, and which of them was, is and will be in force. Tree `province`."""

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from yingbin.storage.province import ID_LENGTH, Base


class CatalogueRow(Base):
    """A version. `state`: draft, checked, released (from then on it never changes), or discarded.

    `revision` counts its changes as a draft, `authors` are all who made one. `label` and `digest` are the catalogue's
    own, empty until it was checked.
    """

    __tablename__ = "catalogues"

    catalogue_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    label: Mapped[str] = mapped_column(String(40), default="")
    digest: Mapped[str] = mapped_column(String(64), default="", index=True)
    text: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    based_on: Mapped[int | None]
    authors: Mapped[list[str]]
    changed_by: Mapped[str] = mapped_column(String(ID_LENGTH))
    changed_at_ms: Mapped[int]


class CatalogueReleaseRow(Base):
    """A release of a version. `state`: scheduled, in_force (one at most, the database sees to it), ended or cancelled.

    `from_ms`: when it is to take effect. Its card views are published again up to the customer `published_to`, `done`
    of `total`; complete at `republished_at_ms`.
    """

    __tablename__ = "catalogue_releases"
    __table_args__ = (
        Index(
            "uq_catalogue_releases_in_force", "state", unique=True,
            sqlite_where=text("state = 'in_force'"), postgresql_where=text("state = 'in_force'"),
        ),
    )  # fmt: skip

    release_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    catalogue_id: Mapped[str] = mapped_column(ForeignKey("catalogues.catalogue_id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    from_ms: Mapped[int]
    reason: Mapped[str] = mapped_column(String(120))
    released_by: Mapped[str] = mapped_column(String(ID_LENGTH))
    released_at_ms: Mapped[int]
    in_force_at_ms: Mapped[int | None]
    ended_at_ms: Mapped[int | None]
    published_to: Mapped[str] = mapped_column(String(ID_LENGTH), default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    republished_at_ms: Mapped[int | None]
