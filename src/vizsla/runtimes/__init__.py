"""Graphs that run: sessions over token batches.

Each module says what it knows; import the class you need from its module.
"""
