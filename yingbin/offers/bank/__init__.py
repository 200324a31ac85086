"""A bank's data as the offers read it: documented tables, and the reader that checks them."""
