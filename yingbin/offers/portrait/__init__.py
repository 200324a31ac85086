"""The customer portrait: money lines from the profile, and tags computed each night from the bank's tables."""

from yingbin.offers.portrait.money import portrait_lines

__all__ = ["portrait_lines"]
