"""Programmes of tests (holdout and experiments) for provinces under test."""

from pathlib import Path
from typing import Final

NOBODY_HELD_OUT: Final = Path(__file__).with_name("nobody_held_out.toml")
"""For what is not about the holdout: who is drawn is random."""
