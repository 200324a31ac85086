"""The audit trail (C12): one hash chain per writer, its heads signed and anchored at the other tier."""
