"""Templates: protect, index, decide (how sure at gallery size N)."""
