"""Text to vectors, queries and passages apart.

Give an encoder texts, get rows. Knows analyzers and models; refuses to know indexes' files and passages' ids.
"""
