"""Watch lists at the city (C13): searched beside the galleries; security is told, or one account manager, alone."""
