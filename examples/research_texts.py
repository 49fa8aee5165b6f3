"""What the research desk knows of texts: which files hold one, what each explains, and which words it uses.

Everything here is computed from the texts alone, so whoever does it, and however often, finds the same.
"""

import ast
import io
import json
import os
import re
import stat
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple

from attrs import frozen

VOLUME_SIZE = 100_000
"""So many characters make a volume; the last file of it may be longer."""

LARGEST_FILE = 4_000_000
LONGEST_SENTENCE = 120
BEST = 3
"""How many explanations of a concept are kept."""

NO_TEXT = frozenset({"__pycache__", "site-packages", "dist-packages"})
SECTIONED = (".md", ".rst", ".txt")
WORD = re.compile(r"[^\W\d_]+")
SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")
"""Where the words of a name meet."""

UNDERLINE = re.compile(r"([=~^-])\1{2,}\s*$")
SENTENCE = re.compile(r".+?[.!?](?=\s|$)")
STOP_WORDS = frozenset(
    word
    for line in (
        "all also and any are but can does each for from had has have how into its more not now only our than that",
        "the their then there these they this use used uses using was were what when where which who why will with you",
        "your base class error exception function interface main method mixin module object test type util",
    )
    for word in line.split()
)
"""Words that are used everywhere, and those that names of classes have without a meaning."""


class Explanation(NamedTuple):
    """A passage that explains a concept. Of two the longer one comes first, and so is the better one."""

    shortness: int
    where: str
    sentence: str
    """How it begins."""


@frozen
class Listing:
    """The files of a folder, in an order that is always the same."""

    root: Path
    files: Sequence[Path]
    unlisted: Sequence[str]
    """The folders that could not be looked into, and why."""


class Volume(NamedTuple):
    """Some files that are read together."""

    number: int
    pages: Sequence[tuple[str, str]]
    """The place and the text of each."""
    skipped: Sequence[tuple[str, str]]
    """The place of each file that cannot be read, and why."""


class Study(NamedTuple):
    """What somebody who has read a volume knows."""

    files: int
    """How many were read."""
    explained: dict[str, list[Explanation]]
    used: dict[str, int]
    """In how many files each word, and each pair of words, is used."""
    skipped: Sequence[tuple[str, str]]


def files_of(root: Path, without: frozenset[str] = frozenset(), suffix: str = "") -> Listing:
    """List the files of *root* that end in *suffix*, except what is hidden and folders named as in *without*."""
    files: list[Path] = []
    unlisted: list[str] = []
    leave_out = without | NO_TEXT

    def note(error: OSError) -> None:
        unlisted.append(f"{place_of(Path(error.filename), root)}: {error.strerror}")

    for place, folders, names in os.walk(root, onerror=note):
        folders[:] = sorted(name for name in folders if name not in leave_out and not name.startswith("."))
        files += [Path(place, name) for name in sorted(names) if name.endswith(suffix) and name[0] != "."]
    return Listing(root, files, unlisted)


def place_of(path: Path, root: Path) -> str:
    """Return where *path* is within *root*, as text that can be stored and shown."""
    text = path.relative_to(root).as_posix()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def volumes_of(listing: Listing) -> Iterator[Volume]:
    """Read the files and yield them in volumes."""
    number, size = 0, 0
    pages: list[tuple[str, str]] = []
    skipped: list[tuple[str, str]] = []
    for path in listing.files:
        place = place_of(path, listing.root)
        try:
            text = text_of(path)
        except (OSError, NoTextError) as error:
            skipped.append((place, (error.strerror if isinstance(error, OSError) else None) or str(error)))
            continue
        pages.append((place, text))
        size += len(text)
        if size >= VOLUME_SIZE:
            yield Volume(number, tuple(pages), tuple(skipped))
            number, size, pages, skipped = number + 1, 0, [], []
    if pages or skipped:
        yield Volume(number, tuple(pages), tuple(skipped))


class NoTextError(Exception):
    """A file is not what can be read."""


def text_of(path: Path) -> str:
    """Read a file; a program in the encoding that it declares, all else in UTF-8."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise NoTextError("no regular file")
    if found.st_size > LARGEST_FILE:
        raise NoTextError(f"{found.st_size:,} bytes are more than {LARGEST_FILE:,}")
    data = path.read_bytes()
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0] if path.suffix == ".py" else "utf-8-sig"
        text = data.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise NoTextError("no text") from error
    if "\0" in text:
        raise NoTextError("no text")
    return text


def study(volume: bytes) -> Study:
    """Read a volume, which is in JSON, and return what it explains and which words its files use."""
    _, pages, unread = json.loads(volume)
    explained: dict[str, set[Explanation]] = {}
    used: dict[str, int] = {}
    skipped = [(place, why) for place, why in unread]
    for place, text in pages:
        try:
            passages = list(passages_of(place, text))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            why = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
            skipped.append((place, f"{type(error).__name__}: {why}"))
            continue
        for title, line, passage in passages:
            concept, sentence = concept_of(title), sentence_of(passage)
            if concept and sentence:
                found = Explanation(-len(passage), f"{place}:{line}", sentence)
                explained.setdefault(concept, set()).add(found)
        for term in {term for _, _, passage in passages for term in terms_of(passage)}:
            used[term] = used.get(term, 0) + 1
    files = len(pages) + len(unread) - len(skipped)
    return Study(files, {concept: best(found) for concept, found in explained.items()}, used, skipped)


def best(found: set[Explanation]) -> list[Explanation]:
    """Return the best explanations: the same ones, in whatever order they were found, and however often."""
    return nsmallest(BEST, found)


def passages_of(place: str, text: str) -> Iterator[tuple[str, int, str]]:
    """Yield the title, the line and the text of each passage: the docstrings of a program, or else the sections.

    >>> list(passages_of("a.md", "# Shop" + chr(10) + "It sells tea."))
    [('a', 1, ''), ('Shop', 1, 'It sells tea.\\n')]
    """
    if place.endswith(".py"):
        yield from docstrings_of(place, text)
        return
    title, line, lines, fenced = Path(place).stem, 1, list[str](), False
    sections = place.endswith(SECTIONED)
    for number, this in enumerate(text.splitlines(), 1):
        fenced ^= this.startswith("```")
        if not sections:
            lines.append(f"{this}\n")
        elif not fenced and this.startswith("#"):
            yield title, line, "".join(lines)
            title, line, lines = this.strip("# "), number, []
        elif lines and UNDERLINE.match(this) and lines[-1].strip():
            heading = lines.pop().strip()
            yield title, line, "".join(lines)
            title, line, lines = heading, number - 1, []
        else:
            lines.append(f"{this}\n")
    yield title, line, "".join(lines)


def docstrings_of(place: str, text: str) -> Iterator[tuple[str, int, str]]:
    """Yield the docstrings of a program. Those of functions have no title: they explain no concept."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    path = Path(place)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            passage = ast.get_docstring(node)
            if passage and isinstance(node, ast.Module):
                yield (path.parent.name if path.stem == "__init__" else path.stem), 1, passage
            elif passage and not isinstance(node, ast.Module):
                yield (node.name if isinstance(node, ast.ClassDef) else ""), node.lineno, passage


def words_of(text: str) -> list[str]:
    """Return the words of *text*, as if each were one of something.

    >>> words_of("Two locks, and a class.")
    ['two', 'lock', 'and', 'a', 'class']
    """
    words = WORD.findall(text.lower())
    return [word[:-1] if word.endswith("s") and len(word) > 3 and word[-2] not in "siu" else word for word in words]  # noqa: PLR2004


def terms_of(text: str) -> set[str]:
    """Return the words of *text* and its pairs of words, without those that say nothing."""
    words = words_of(text)
    telling = [len(word) > 2 and word not in STOP_WORDS for word in words]  # noqa: PLR2004
    terms = {word for word, tells in zip(words, telling, strict=True) if tells}
    pairs = zip(words, words[1:], telling, telling[1:], strict=False)
    return terms | {f"{one} {two}" for one, two, tells, also in pairs if tells and also}


def concept_of(title: str) -> str:
    """Return the concept that a passage of this title explains: one word or two, or nothing.

    >>> concept_of("BoundedSemaphores"), concept_of("_Queue"), concept_of("What it costs")
    ('bounded semaphore', 'queue', '')
    """
    words = words_of(SEAM.sub(" ", title))
    concept = " ".join(words)
    return concept if len(words) in (1, 2) and concept in terms_of(concept) and len(concept) <= 60 else ""  # noqa: PLR2004


def sentence_of(passage: str) -> str:
    """Return the first sentence of a passage, or nothing if that does not begin with prose.

    >>> sentence_of("A lock. It has" + chr(10) + "an owner.")
    'A lock.'
    """
    paragraph = " ".join(passage.strip().partition("\n\n")[0].split())
    found = SENTENCE.match(paragraph)
    sentence = found[0] if found else paragraph
    prose = sentence[:1].isalpha() and " " in sentence and not sentence.endswith(":")
    return shorten(sentence, LONGEST_SENTENCE, placeholder=" ...") if prose else ""
