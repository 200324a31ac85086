"""Rows in segments, found by template or by customer."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from yingbin.galleries.rowtable import Keys, RowTable
from yingbin.galleries.scan import Matrix
from yingbin.galleries.segment import SEGMENT_ROWS, Segment

_BATCH: Final = 256
"""Rows coded and written at a time: what searches wait for."""


class Shelf:
    """Any number of rows; row r is row r % segment_rows of segment r // segment_rows. One thread at a time may write.

    A row number is good until the next `drop`.
    """

    def __init__(self, dimension: int, segment_rows: int = SEGMENT_ROWS) -> None:
        self._dimension = dimension
        self._segment_rows = segment_rows
        self._of_template = RowTable()
        self._of_customer = RowTable()
        self._with_room = 0
        self.segments: list[Segment] = []

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(segment.used for segment in self.segments)

    def row_of_template(self, template: Keys) -> int | None:
        """Return the row of a template's key, (2,)."""
        return next((r for r in self._of_template.find(template) if (self.template(r) == template).all()), None)

    def may_hold(self, templates: Keys, customers: Keys) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return for each of n keys, (n, 2), whether a row of this template, or of this customer, may be here."""
        return self._of_template.may_hold(templates), self._of_customer.may_hold(customers)

    def rows_of_customer(self, customer: Keys) -> list[int]:
        """Return the rows of a customer's key, (2,)."""
        return [row for row in self._of_customer.find(customer) if (self.customer(row) == customer).all()]

    def template(self, row: int) -> Keys:
        """Return the key of the template in a row, (2,); zeros when it is of several."""
        segment, place = self._at(row)
        return np.array(segment.templates[place])

    def customer(self, row: int) -> Keys:
        """Return the key of the customer of a row, (2,)."""
        segment, place = self._at(row)
        return np.array(segment.customers[place])

    def vectors(self, rows: list[int]) -> Matrix:
        """Return the vectors of `rows`, fp32 (n, d)."""
        places = ((segment, np.array([place])) for segment, place in map(self._at, rows))
        return np.concatenate([segment.vectors(place) for segment, place in places])

    def append(self, templates: Keys, customers: Keys, vectors: Matrix) -> None:
        """Add rows: keys (n, 2), vectors unit fp32 (n, d)."""
        start = 0
        while start < len(vectors):
            number = self._roomy()
            segment = self.segments[number]
            end = min(start + _BATCH, start + segment.rows - segment.used, len(vectors))
            first = number * self._segment_rows + segment.used
            segment.append(templates[start:end], customers[start:end], segment.encode(vectors[start:end]))
            for offset in range(end - start):
                self._of_template.insert(templates[start + offset], first + offset)
                self._of_customer.insert(customers[start + offset], first + offset)
            start = end

    def replace(self, row: int, template: Keys, vector: Matrix) -> None:
        """Give a row another vector, fp32 (d,), and template, (2,), for the same customer."""
        segment, place = self._at(row)
        before = self.template(row)
        segment.replace(place, template, segment.encode(vector[None, :]))
        if before.any():
            self._of_template.delete(before, row)
        if template.any():
            self._of_template.insert(template, row)

    def drop(self, row: int) -> None:
        """Remove a row."""
        segment, place = self._at(row)
        template, customer = self.template(row), self.customer(row)
        if template.any():
            self._of_template.delete(template, row)
        self._of_customer.delete(customer, row)
        came_from = row - place + segment.drop(place)
        if came_from != row:
            template, customer = self.template(row), self.customer(row)
            if template.any():
                self._of_template.move(template, came_from, row)
            self._of_customer.move(customer, came_from, row)
        self._with_room = min(self._with_room, row // self._segment_rows)

    def reserve(self, used: list[int]) -> None:
        """Make an empty shelf hold segments of so many rows, for the caller to fill; `entered` follows."""
        for rows in used:
            segment = Segment(self._dimension, self._segment_rows)
            segment.reserve(rows)
            self.segments.append(segment)

    def entered(self) -> None:
        """Enter the rows of all segments in the tables, after they were filled."""
        if self.segments:
            templates = np.concatenate([segment.templates[: segment.used] for segment in self.segments])
            customers = np.concatenate([segment.customers[: segment.used] for segment in self.segments])
            firsts = range(0, len(self.segments) * self._segment_rows, self._segment_rows)
            of_segment = [np.arange(first, first + s.used) for first, s in zip(firsts, self.segments, strict=True)]
            rows = np.concatenate(of_segment)
            own = templates.any(axis=1)  # a row fused of several templates is entered under none of them
            self._of_template.insert_all(templates[own], rows[own])
            self._of_customer.insert_all(customers, rows)

    def _at(self, row: int) -> tuple[Segment, int]:
        return self.segments[row // self._segment_rows], row % self._segment_rows

    def _roomy(self) -> int:
        while self._with_room < len(self.segments):
            if self.segments[self._with_room].used < self._segment_rows:
                return self._with_room
            self._with_room += 1
        self.segments.append(Segment(self._dimension, self._segment_rows))
        return self._with_room
