"""Evaluating: retrievers and judgements to runs, measures, tests of significance and tables.

Knows the retriever's door, judgements and runs. Refuses to know how a retriever works.
"""
