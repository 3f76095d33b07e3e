"""One file a format, each a stream of records with the place they stand at. Refuses to know what reads them."""
