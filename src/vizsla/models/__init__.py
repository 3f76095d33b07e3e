"""Published checkpoints: every family read into one description and made one graph.

Each module says what it knows; import the class you need from its module.
"""
