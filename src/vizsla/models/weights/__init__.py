"""Weights files of the published families to arrays, none of them trusted.

Each module knows one format; `opening.read` chooses. Every size is checked against the file before memory is
taken, and nothing in a file is ever called.
"""
