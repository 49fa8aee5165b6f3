"""Words: what is typed in a shell, as the arguments of a command, also while it is not complete."""

from __future__ import annotations

import attrs


@attrs.frozen
class Typed:
    """What stands before the cursor."""

    words: list[str]
    """Those that are complete."""
    word: str
    """What there is of the last, without its quotes."""
    length: int
    """How many characters that takes as it was typed."""


def typed(text: str) -> Typed:
    r"""Return the words of *text*, quoted as in a POSIX shell, of which the last goes on.

    >>> typed("stats 'my ti")
    Typed(words=['stats'], word='my ti', length=6)
    >>> typed("stats ")
    Typed(words=['stats'], word='', length=0)
    """
    words: list[str] = []
    word, start, quote = "", -1, ""
    characters = enumerate(text)
    for place, character in characters:
        if not quote and character.isspace():
            if start >= 0:
                words.append(word)
            word, start = "", -1
            continue
        if start < 0:
            start = place
        if character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        elif character == "\\" and quote != "'":
            word += next(characters, (0, ""))[1]
        else:
            word += character
    return Typed(words, word, len(text) - start if start >= 0 else 0)
