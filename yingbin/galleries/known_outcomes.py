"""Wrong scores that a site has seen: the best wrong identity of each search whose outcome a manager settled.

He confirmed the customer: the best *other* identity is wrong. He said it was somebody else: the best one is. Only the
cosine, its pack and N are kept. A refused visit is known only because its score passed the threshold, so counting it
like any other search makes the tail look heavier than it is: the safe side.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import column, inspect, select, table

from yingbin.errors import InvalidInput
from yingbin.storage.database import Database

_UPGRADE: Final = "check the URL, or run `yingbin db upgrade city` or `province`"
_TABLE: Final = table("impostor_scores", column("pack_id"), column("score"), column("templates"))
"""As a city and the province have it."""


class ScoresUnusable(InvalidInput):
    """The file of scores is missing, not CSV with the agreed columns, or holds something that is no score."""

    code = "scores_unusable"


@dataclass(frozen=True, slots=True, eq=False)
class KnownOutcomes:
    """`scores` f64 (n,): best wrong cosine of each search; `templates` int64 (n,): wrong ones it was compared with."""

    scores: NDArray[np.float64]
    templates: NDArray[np.int64]


def read_scores(path: Path, pack_id: str) -> KnownOutcomes:
    """Read CSV columns `score`, `templates` and, if there is one, `pack_id`. Raises `ScoresUnusable`."""
    found = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"score", "templates"} <= set(reader.fieldnames or ()):
                raise ScoresUnusable(f"{path}: the columns `score` and `templates` are needed")
            for row in reader:
                score, templates = float(row["score"]), int(row["templates"])
                if not (-1.0 <= score <= 1.0 and templates >= 1):
                    raise ScoresUnusable(f"{path}, line {reader.line_num}: not a cosine and a number of templates")
                if row.get("pack_id", pack_id) != pack_id:
                    raise ScoresUnusable(f"{path}, line {reader.line_num}: of pack {row['pack_id']}, not {pack_id}")
                found.append((score, templates))
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise ScoresUnusable(f"{path} cannot be read: {error}") from error
    return _as_arrays(found)


def write_scores(known: KnownOutcomes, path: Path, pack_id: str) -> int:
    """Write a new file that `read_scores` reads; return how many there are. Raises `ScoresUnusable`."""
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["pack_id", "score", "templates"])
            pairs = zip(known.scores.tolist(), known.templates.tolist(), strict=True)
            writer.writerows((pack_id, *pair) for pair in pairs)
    except OSError as error:
        raise ScoresUnusable(f"{path} cannot be written: {error}") from error
    return len(known.scores)


def of_database(url: str, pack_id: str) -> KnownOutcomes:
    """Read what the city or province whose database is at `url` has kept of searches with this pack.

    Raises `ScoresUnusable`, `Unavailable`.
    """
    database = Database(url)
    try:
        with database.read() as session:
            found = inspect(session.connection())
            columns = {one["name"] for one in found.get_columns(_TABLE.name)} if found.has_table(_TABLE.name) else set()
            if "pack_id" not in columns:
                raise ScoresUnusable(f"{database.engine.url!r} is not the database of a city or province: {_UPGRADE}")
            rows = session.execute(select(_TABLE.c.score, _TABLE.c.templates).where(_TABLE.c.pack_id == pack_id)).all()
    finally:
        database.close()
    return _as_arrays([(score, templates) for score, templates in rows])


def joined(sources: Sequence[KnownOutcomes]) -> KnownOutcomes:
    """Return all of them as one, by score: a fit does not depend on the order in which they came."""
    scores = np.concatenate([one.scores for one in sources])
    templates = np.concatenate([one.templates for one in sources])
    order = np.lexsort((templates, scores))
    return KnownOutcomes(scores[order], templates[order])


def _as_arrays(found: Sequence[tuple[float, int]]) -> KnownOutcomes:
    return KnownOutcomes(
        np.array([score for score, _ in found], np.float64), np.array([templates for _, templates in found], np.int64)
    )
