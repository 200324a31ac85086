"""What the bank owes a person over time: receipts, an export of what is held, limits of keeping, the filing duty."""
