"""`vizsla demo`: text found on any machine with Python, and a small bilingual sample, indexed and searched."""


def demo() -> None:
    """Index the standard library's own texts and a bilingual sample, search them, and measure."""
