"""The galleries in memory: one index each, in the province's domain. Disposable; rebuilt from the stores at start."""

from collections.abc import Sequence
from dataclasses import dataclass

from yingbin.galleries.decide import Hit
from yingbin.galleries.index import FlatIndex
from yingbin.galleries.protect import Vector
from yingbin.trust.consent import Gallery


@dataclass(frozen=True, slots=True)
class Found:
    """The best identity for each probe over several galleries, and how many templates were searched."""

    hits: list[Hit | None]
    templates: int


class Galleries:
    """All searchable templates of the province; any thread may call."""

    def __init__(self, dimension: int) -> None:
        self._indices = {gallery: FlatIndex(dimension) for gallery in Gallery}

    def add(self, gallery: Gallery, template_id: str, customer_id: str, vector: Vector) -> None:
        """Make a template searchable: unit fp32 (d,), in the province's domain."""
        self._indices[gallery].add(template_id, customer_id, vector)

    def remove_customer(self, customer_id: str) -> None:
        """Drop everything of a customer from every gallery."""
        for index in self._indices.values():
            index.remove_customer(customer_id)

    def count(self, galleries: Sequence[Gallery]) -> int:
        """Return the number of templates in `galleries`."""
        return sum(self._indices[gallery].count for gallery in galleries)

    def search(self, galleries: Sequence[Gallery], probes: Vector) -> Found:
        """Search unit probes, fp32 (n, d), in each of `galleries`; a person in two of them is one identity."""
        found = [self._indices[gallery].search(probes) for gallery in galleries]
        hits = [_best([hit for hit in of_probe if hit]) for of_probe in zip(*found, strict=True)]
        return Found(hits, self.count(galleries))


def _best(hits: list[Hit]) -> Hit | None:
    if not hits:
        return None
    best = max(hits, key=lambda hit: hit.score)
    rivals = [hit.runner_up if hit.customer_id == best.customer_id else hit.score for hit in hits]
    return Hit(best.customer_id, best.score, max(rivals))
