"""The galleries in memory: one index each, in a domain of the province's. Disposable; rebuilt from the stores."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from province_server.keys import Keys
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.decide import Hit, best_of
from yingbin.galleries.index import DuplicateTemplate, TemplateIndex
from yingbin.galleries.protect import Domain, Vector
from yingbin.galleries.rowtable import Keys as TemplateKeys
from yingbin.trust.consent import Gallery

NewIndex = Callable[[Gallery, Domain, int], TemplateIndex]
"""Makes the index of a gallery in a domain, for vectors of so many numbers: empty, or as it was left."""


def in_memory(_: Gallery, __: Domain, dimension: int) -> TemplateIndex:
    """Return an index that nothing keeps."""
    return CodeIndex(dimension)


@dataclass(frozen=True, slots=True)
class Found:
    """The best identity for each probe over several galleries, and how many templates were searched."""

    hits: list[Hit | None]
    templates: int


class Shelf:
    """All galleries in one domain."""

    def __init__(self, dimension: int, domain: Domain, new_index: NewIndex) -> None:
        self.domain = domain
        self.indices = {gallery: new_index(gallery, domain, dimension) for gallery in Gallery}


class Galleries:
    """All searchable templates of the province; any thread may search, one at a time may change.

    While the province's key is renewed there is a second shelf in the new domain, which takes the place of the first
    once it holds everything; until then it follows every change.
    """

    def __init__(self, keys: Keys, dimension: int, domain: Domain, new_index: NewIndex = in_memory) -> None:
        self._keys = keys
        self._dimension = dimension
        self._new_index = new_index
        self._serving = Shelf(dimension, domain, new_index)
        self._next: Shelf | None = None

    @property
    def domain(self) -> Domain:
        """The domain that is searched."""
        return self._serving.domain

    def add(self, gallery: Gallery, template_id: str, customer_id: str, vector: Vector, domain: Domain) -> None:
        """Make a template searchable: unit fp32 (d,), in `domain`. One that is here already changes nothing."""
        self.add_many(gallery, [(template_id, customer_id)], vector[None, :], domain)

    def add_many(self, gallery: Gallery, ids: Sequence[tuple[str, str]], vectors: Vector, domain: Domain) -> None:
        """Make templates searchable, `ids` of template and customer and unit fp32 (n, d), as `add` does."""
        templates, customers = [template for template, _ in ids], [customer for _, customer in ids]
        for shelf in self._shelves():
            index, mapped = shelf.indices[gallery], self._keys.mapped(vectors, domain, shelf.domain)
            try:
                index.add_many(templates, customers, mapped)
            except DuplicateTemplate:  # some were enrolled while the next shelf is being filled
                for (template_id, customer_id), vector in zip(ids, mapped, strict=True):
                    with contextlib.suppress(DuplicateTemplate):
                        index.add(template_id, customer_id, vector)

    def held(self, gallery: Gallery) -> TemplateKeys:
        """Return the keys of what the shelf that is filled last has of a gallery, as `TemplateIndex.template_keys`."""
        return self._shelves()[-1].indices[gallery].template_keys()

    def remove(self, gallery: Gallery, template_id: str) -> None:
        """Drop one template from a gallery."""
        for shelf in self._shelves():
            shelf.indices[gallery].remove(template_id)

    def remove_customer(self, customer_id: str) -> None:
        """Drop everything of a customer from every gallery."""
        for shelf in self._shelves():
            for index in shelf.indices.values():
                index.remove_customer(customer_id)

    def begin(self, domain: Domain) -> None:
        """Start an empty shelf in `domain` beside the one that serves."""
        self._next = Shelf(self._dimension, domain, self._new_index)

    def change_over(self) -> None:
        """Serve the new shelf from now on; it must hold everything."""
        if self._next is not None:
            self._serving, self._next = self._next, None

    def count(self, galleries: Sequence[Gallery]) -> int:
        """Return the number of templates in `galleries`."""
        return _count(self._serving, galleries)

    def search(self, galleries: Sequence[Gallery], probes: Vector, domain: Domain, floor: float = -1.0) -> Found:
        """Search unit probes of `domain`, fp32 (n, d), in `galleries`; a person in two of them is one identity.

        `floor`: as `TemplateIndex.search`.
        """
        shelf = self._serving  # taken once: domain and templates belong together
        mapped = self._keys.mapped(probes, domain, shelf.domain)
        found = [shelf.indices[gallery].search(mapped, floor) for gallery in galleries]
        hits = [best_of([hit for hit in of_probe if hit]) for of_probe in zip(*found, strict=True)]
        return Found(hits, _count(shelf, galleries))

    def _shelves(self) -> tuple[Shelf, ...]:
        return (self._serving, self._next) if self._next is not None else (self._serving,)


def _count(shelf: Shelf, galleries: Sequence[Gallery]) -> int:
    return sum(shelf.indices[gallery].count for gallery in galleries)
