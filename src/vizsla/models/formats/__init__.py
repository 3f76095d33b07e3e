"""One file a format: a folder or a weights file of a published model, read into a description."""
