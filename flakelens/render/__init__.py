"""Reports as text: one file per format. Pure functions; width and colour are passed in, nothing is printed here."""
