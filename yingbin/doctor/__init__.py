"""`yingbin doctor`: is this machine fit to run what its settings say."""
