"""Trie: patterns by what they begin with, so that finding those that match looks at no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from actors.pattern import CharSet, Glob, Step, Wild

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

V = TypeVar("V")


class Node(Generic[V]):
    """What may follow the same beginning, and what has ended there."""

    __slots__ = ("globs", "literals", "loops", "many", "matcher", "one", "sets", "values")

    def __init__(self, *, loops: bool = False) -> None:
        self.loops = loops
        """Whether any item leads here again."""
        self.literals: dict[str, Node[V]] = {}
        self.one: Node[V] | None = None
        self.many: Node[V] | None = None
        self.sets: dict[CharSet, Node[V]] | None = None
        self.globs: dict[Glob, Node[V]] | None = None
        self.matcher: Trie[Node[V]] | None = None
        """Finds those of the globs that match a segment."""
        self.values: dict[Hashable, V] | None = None

    def pop_child(self) -> Node[V] | None:
        """Forget where one item leads, and return it; None if nothing leads anywhere."""
        for children in (self.literals, self.sets, self.globs):
            if children:
                return children.popitem()[1]
        child, self.one, self.many = self.one or self.many, None, self.many if self.one else None
        return child

    @property
    def bare(self) -> bool:
        """Whether nothing needs it."""
        return not (self.literals or self.one or self.many or self.sets or self.globs or self.values)

    def child(self, step: Step) -> Node[V] | None:
        """Return where *step* leads, if it was made."""
        match step:
            case Wild.ONE:
                return self.one
            case Wild.MANY:
                return self.many
            case CharSet():
                return None if self.sets is None else self.sets.get(step)
            case Glob():
                return None if self.globs is None else self.globs.get(step)
            case literal:
                return self.literals.get(literal)

    def make(self, step: Step) -> Node[V]:
        """Return where *step* leads from now on."""
        made: Node[V] = Node(loops=step is Wild.MANY)
        match step:
            case Wild.ONE:
                self.one = made
            case Wild.MANY:
                self.many = made
            case CharSet():
                self.sets = self.sets or {}
                self.sets[step] = made
            case Glob():
                if self.globs is None or self.matcher is None:
                    self.globs, self.matcher = {}, Trie(empty_end=True)
                self.globs[step] = made
                self.matcher.add(step.steps, step, made)
            case literal:
                self.literals[literal] = made
        return made

    def cut(self, step: Step) -> None:
        """Forget where *step* leads."""
        match step:
            case Wild.ONE:
                self.one = None
            case Wild.MANY:
                self.many = None
            case CharSet():
                assert self.sets is not None
                del self.sets[step]
            case Glob():
                assert self.globs is not None
                assert self.matcher is not None
                del self.globs[step]
                self.matcher.remove(step.steps, step)
            case literal:
                del self.literals[literal]

    def follow(self, item: str, found: dict[Node[V], None]) -> None:
        """Add to *found* where *item* leads."""
        literal = self.literals.get(item)
        if literal is not None:
            found[literal] = None
        if self.one is not None:
            found[self.one] = None
        if self.loops:
            found[self] = None
        if self.sets:
            found.update((node, None) for chars, node in self.sets.items() if chars.has(item))
        if self.globs and self.matcher is not None:
            found.update(dict.fromkeys(self.matcher.find(item)))


class Trie(Generic[V]):
    """Values under patterns, of segments or of characters.

    >>> from actors.pattern import parse_pattern
    >>> trie = Trie()
    >>> for pattern in ("orders.*", "orders.**", "*.n?w", "orders"):
    ...     trie.add(parse_pattern(pattern).steps, key=1, value=pattern)
    >>> trie.find(["orders", "new"])
    ['orders.*', 'orders.**', '*.n?w']

    With *empty_end* a `Wild.MANY` at the end of a pattern stands for no item as well.
    """

    def __init__(self, *, empty_end: bool = False) -> None:
        self._root: Node[V] = Node()
        self._empty_end = empty_end
        self._length = 0

    def __repr__(self) -> str:
        return f"<Trie: {self._length} values>"

    def __len__(self) -> int:
        return self._length

    @property
    def bare(self) -> bool:
        """Whether nothing is left in it."""
        return self._root.bare

    def add(self, steps: Iterable[Step], key: Hashable, value: V) -> None:
        """Keep *value* for what matches *steps*, under *key*, in the place of what that has there."""
        node = self._root
        for step in steps:
            node = node.child(step) or node.make(step)
        if node.values is None:
            node.values = {}
        self._length += key not in node.values
        node.values[key] = value

    def remove(self, steps: Sequence[Step], key: Hashable) -> V:
        """Let go of what *key* has for *steps*, and return it; raises ``KeyError`` if there is nothing."""
        way = [self._root]
        for step in steps:
            node = way[-1].child(step)
            if node is None:
                raise KeyError(key)
            way.append(node)
        values = way[-1].values
        if values is None:
            raise KeyError(key)
        value = values.pop(key)
        self._length -= 1
        for step in reversed(steps):
            if not way.pop().bare:
                break
            way[-1].cut(step)
        return value

    def count(self, steps: Iterable[Step]) -> int:
        """Return how many values there are for just *steps*."""
        return len(self._values(steps))

    def values(self, steps: Iterable[Step]) -> list[V]:
        """Return the values for just *steps*."""
        return list(self._values(steps).values())

    def _values(self, steps: Iterable[Step]) -> Mapping[Hashable, V]:
        node: Node[V] | None = self._root
        for step in steps:
            node = None if node is None else node.child(step)
        return {} if node is None or node.values is None else node.values

    def dismantle(self) -> Iterator[None]:
        """Let go of all, of one node or value for each step: at once it would take long."""
        nodes, self._root, self._length = [self._root], Node(), 0
        while nodes:
            node = nodes[-1]
            if (child := node.pop_child()) is not None:
                nodes.append(child)
            elif node.matcher is not None:
                yield from node.matcher.dismantle()
                node.matcher = None
            elif node.values:
                node.values.popitem()
            else:
                nodes.pop()
            yield

    def find(self, items: Iterable[str]) -> list[V]:
        """Return the values of all patterns that match *items*."""
        here: dict[Node[V], None] = {self._root: None}
        for item in items:
            after: dict[Node[V], None] = {}
            for node in here:
                reached: Node[V] | None = node
                while reached is not None:
                    reached.follow(item, after)
                    reached = reached.many
            if not after:
                return []
            here = after
        if self._empty_end:
            here.update({node.many: None for node in here if node.many is not None})
        return [value for node in here if node.values for value in node.values.values()]
