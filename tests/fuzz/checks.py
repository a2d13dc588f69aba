"""What must hold of a message and of a page, whatever stood in the files that they tell of."""

from __future__ import annotations


def one_line(text: str) -> None:
    """Refuse what is no message: several lines, signs that steer a terminal, or without end."""
    assert "\n" not in text and "\r" not in text, f"a message of several lines: {text[:300]!r}"
    assert text.isprintable(), f"a message with control characters: {text[:300]!r}"
    assert len(text) <= 2000, f"a message of {len(text)} characters: {text[:200]!r}"


def inert(page: str) -> None:
    """Refuse a page that runs what stands in the data."""
    assert "<script>alert" not in page and "Content-Security-Policy" in page[:1000], (
        "a page that is not inert"
    )
