"""Parts of documents that are made from code, between two marks."""

import re


def inserted(document: str, mark: str, author: str, text: str) -> str:
    """Return a document in which the part between two marks is written again.

    Args:
        document: It has `<!-- MARK: begin; written by AUTHOR -->` and `<!-- MARK: end -->`.
        mark: What the part is.
        author: The module that writes it.
        text: The part.

    Raises:
        ValueError: The document does not have both marks once.
    """
    begin, end = f"<!-- {mark}: begin; written by {author} -->", f"<!-- {mark}: end -->"
    marked = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    written, count = marked.subn(lambda _: f"{begin}\n\n{text}\n{end}", document)
    if count != 1:
        raise ValueError(
            f"the marks are there {count} times; each belongs there once. Write {begin}, {end}."
        )
    return written
