"""Typed metadata of passages: the schema, the stored columns, and the expressions that choose among them.

Refuses to know where segments stand, and everything that searches.
"""
