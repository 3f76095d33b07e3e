"""All compiled loops: arrays in, arrays out.

Knows numba and numpy. Refuses to know what the arrays mean to anybody else: no texts, no files, no
errors. Every kernel releases the interpreter's lock and none starts a thread; callers bring theirs.
"""
