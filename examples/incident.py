"""A desk of agents on a bad night: one of them waits, one crashes again and again, and a summary is not filed.

``actors run examples/incident.py:tree`` starts it. ``docs/guides/look-inside-a-running-node.md`` looks inside.
"""

from itertools import count

from attrs import frozen

from actors import NO_REPLY, Actor, Call, Caller
from actors.delivery import RouterRef
from supervision import ChildSpec, SupervisorSpec, service_tree

LANGUAGES = ("en", "de", "en", "fi", "en")


@frozen
class Paper:
    title: str
    language: str
    tokens: int = 500


@frozen
class Summary:
    title: str
    language: str
    text: str


@frozen
class Spend(Call[None]):
    """Ask for leave to spend so many tokens on the model; the reply comes when there is leave."""

    tokens: int


class Reader(Actor):
    """Finds a paper every second."""

    def init(self) -> None:
        self.numbers = count(1)
        self.ref.send_every(1.0, "look")

    def handle_info(self, message: str) -> None:
        number = next(self.numbers)
        language = LANGUAGES[(number - 1) % len(LANGUAGES)]
        self.system.named("summariser").cast(Paper(f"paper-{number}", language))


class Summariser(Actor):
    """Has the model summarise each paper, and hands the summary on through the router."""

    async def handle_cast(self, paper: Paper) -> None:
        await self.system.named("budget").call(Spend(paper.tokens), timeout=3600.0)
        summary = Summary(paper.title, paper.language, f"What {paper.title} says, in short.")
        await RouterRef(self.system).send("archivist", summary, id=paper.title)


class Budget(Actor):
    """Lets others spend tokens as long as there are some; whoever asks for more than is left waits for more."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.spent = 0
        self._waiting: list[tuple[Spend, Caller]] = []

    def init(self) -> None:
        self.ref.send_every(1.0, "look")

    def handle_call(self, message: Spend, caller: Caller) -> object:
        self._waiting.append((message, caller))
        self._grant()
        return NO_REPLY

    def handle_info(self, message: str) -> None:
        self._grant()

    def _grant(self) -> None:
        while self._waiting and self.spent + self._waiting[0][0].tokens <= self.limit:
            message, caller = self._waiting.pop(0)
            self.spent += message.tokens
            caller.reply(None)


class Archivist(Actor):
    """Files each summary on the shelf of its language."""

    def __init__(self) -> None:
        self.shelf_of = {"en": "A", "de": "B"}
        self.filed = 0

    def handle_cast(self, summary: Summary) -> None:
        self._put(summary.text, self.shelf_of[summary.language])

    def _put(self, text: str, shelf: str) -> None:
        self.filed += 1


tree = SupervisorSpec(
    [
        service_tree(),
        ChildSpec("budget", Budget, args=(2000,), name="budget"),
        ChildSpec("archivist", Archivist, name="archivist"),
        ChildSpec("summariser", Summariser, name="summariser"),
        ChildSpec("reader", Reader, name="reader"),
    ],
    intensity=5,
    period=3600.0,
)
