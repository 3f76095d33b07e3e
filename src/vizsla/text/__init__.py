"""Characters to terms. An analyzer is one JSON: give it a text, get its terms.

Knows scripts, normal forms, stems and stop words. Refuses to know passages, files and indexes.
"""
