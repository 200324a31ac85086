"""Measures the product from outside: starts the tiers as processes and uses only their public interfaces."""
