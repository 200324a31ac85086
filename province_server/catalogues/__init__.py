"""Catalogues as versions: written and checked by one person, released by another, in force everywhere at once."""
