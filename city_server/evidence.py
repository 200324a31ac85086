"""What managers teach about strangers' scores: the best wrong cosine of a search and N, never whose (C8).

Kept with the visit until its outcome is known, then on its own. `yingbin gallery calibrate` reads it. Only searches of
this city's galleries count: the province tells no scores and keeps its own.
"""

from dataclasses import asdict, dataclass

from sqlalchemy.orm import Session

from yingbin.storage.city import ImpostorScore, VisitScore


@dataclass(frozen=True, slots=True)
class Scored:
    """A search that named somebody: its pack, cosines of the best identity and of the next one, and N."""

    pack_id: str
    score: float
    runner_up: float
    templates: int


def note(session: Session, visit_id: str, scored: Scored) -> None:
    """Keep what the search that opened a visit found."""
    session.add(VisitScore(visit_id=visit_id, **asdict(scored)))


def was_right(session: Session, visit_id: str) -> None:
    """Settle a visit, once: the next identity was somebody else."""
    found = session.get(VisitScore, visit_id)
    if found is not None:
        if found.templates > 1:
            session.add(ImpostorScore(pack_id=found.pack_id, score=found.runner_up, templates=found.templates - 1))
        session.delete(found)


def was_wrong(session: Session, visit_id: str) -> None:
    """Settle a visit, once: the best identity was somebody else."""
    found = session.get(VisitScore, visit_id)
    if found is not None:
        session.add(ImpostorScore(pack_id=found.pack_id, score=found.score, templates=found.templates))
        session.delete(found)
