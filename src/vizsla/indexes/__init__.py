"""Vectors to the passages with the largest products.

Give an index query vectors, get hits. Knows arrays and files of arrays; refuses to know texts, terms and ids.
"""
