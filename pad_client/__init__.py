"""The tablet: a page that a city serves (`page/`) and the same stream in a terminal (`tail.py`)."""
