"""The camera box: camera -> tracks -> best shot -> protected vector -> city."""
