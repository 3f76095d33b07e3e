"""What a user owns: a folder of passages and the indexes over them.

Knows how corpus, encoder and index belong together; refuses to know how any of them works.
"""
