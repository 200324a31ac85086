"""A synthetic bank whose truth is known: the tables of `yingbin.offers.bank.schema`, and `truth/` beside them."""
