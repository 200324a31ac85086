"""Customers' portraits: loaded from the nightly job, kept sealed, shown after identity is confirmed."""
