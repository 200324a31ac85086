"""What offers do, measured from the province's own log: policies in force, learning, sales, uplift, groups."""
