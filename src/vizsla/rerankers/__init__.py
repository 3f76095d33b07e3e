"""Rerankers: a query and a passage read together, one score a pair.

Each module says what it knows; import the class you need from its module.
"""
