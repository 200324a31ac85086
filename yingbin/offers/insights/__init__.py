"""Soft information: what a bank may conclude from its tables, under rules an auditor can read (C14-C16).

`library/*.toml` one insight a file · `refused.toml` what is not concluded, and why · `declaration.py` what a file may
say · `timeless.py` the tables as an insight sees them · `nightly.py` infers · `life_cycle.py` what a fact is good for.
"""
