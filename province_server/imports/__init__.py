"""Import of hard information: customers' records from the bank's own systems, checked, reported on, upserted."""
