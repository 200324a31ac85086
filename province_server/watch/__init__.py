"""Watch lists (C13): entries by written order and two people, on their way to the cities. Apart from customers."""
