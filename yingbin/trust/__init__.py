"""Who may do what, and proof of what was done: keys, seals, devices, staff, audit, consent."""
