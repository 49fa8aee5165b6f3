"""Every command, as a person uses it: a program of its own that looks at another."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.actors.shell.machine import ACTORS, Machine, new_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.hang_seconds(90)  # a command is a program, which takes a second to start on a busy machine

SHOP = """
import attrs
import trio
from actors import Actor, Call
from supervision import ChildSpec, DynamicSupervisor, Supervisor, SupervisorSpec, start_child

@attrs.frozen
class Sell:
    what: str
    loaves: int = 1

@attrs.frozen
class Total(Call[int]):
    pass

class Till(Actor):
    def __init__(self):
        self.sold = 3
        self.open = True

    def handle_cast(self, message):
        if message == "a bad coin":
            raise ValueError(message)
        if isinstance(message, Sell):
            self.sold += message.loaves

    def handle_call(self, message, caller):
        return self.sold if isinstance(message, Total) else message

class Slow(Actor):
    async def handle_cast(self, message):
        await trio.sleep_forever()

    async def handle_call(self, message, caller):
        await trio.sleep_forever()

class Guest(Actor):
    async def handle_cast(self, seconds):
        await self.system.named(self.neighbour).call("pass the salt", timeout=seconds)

    def __init__(self, neighbour):
        self.neighbour = neighbour

    async def handle_call(self, message, caller):
        return message

class Opener(Actor):
    def init(self):
        self.ref.cast("open")

    async def handle_cast(self, message):
        if message == "dine":
            for guest, seconds in (("ann", 10.0), ("bob", 40.0), ("cy", 40.0)):
                self.system.named(guest).cast(seconds)
            return
        await start_child(self.system.named("pool"), ChildSpec("swimmer", Till, name="swimmer"))
        self.system.named("slow").cast("x")
        self.system.named("nobody").cast(Sell("lost"))
        print("open", flush=True)

pairs = (("ann", "bob"), ("bob", "cy"), ("cy", "ann"))
guests = [ChildSpec(a, Guest, args=(b,), name=a, restart="temporary") for a, b in pairs]
table = SupervisorSpec(guests, strategy="rest_for_one", intensity=9, period=60.0)
tree = SupervisorSpec(
    [
        ChildSpec("till", Till, name="till"),
        ChildSpec("other", Till, name="other"),
        ChildSpec("slow", Slow, name="slow"),
        ChildSpec("table", Supervisor, args=(table,), name="table"),
        ChildSpec("pool", DynamicSupervisor, name="pool"),
        ChildSpec("opener", Opener),
    ],
    intensity=50,
)
"""


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Return a machine on which nothing runs."""
    with new_machine() as machine:
        yield machine


@pytest.fixture
def shop(machine: Machine) -> Iterator[Machine]:
    """Return a machine on which a shop runs."""
    with machine.running(SHOP):
        yield machine


@pytest.mark.slow
def test_nodes_lists_the_living_and_removes_the_sockets_of_the_dead(machine: Machine) -> None:
    with machine.running(SHOP) as program:
        with machine.running(SHOP, name="dead") as dead:
            dead.kill()
            dead.wait()
            [left] = machine.folder.rglob("dead.*.sock")
        told = machine.told("nodes")
        again = machine.actors("nodes")

    [node] = [it for it in told["nodes"] if it["pid"] == program.pid]
    assert (node["node"], node["answers"], node["actors"]) == (f"shop.{program.pid}", True, 11)
    assert str(left) in told["removed"]
    assert not left.exists()
    assert again.lines[0] == "node pid actors up python runs"


@pytest.mark.slow
def test_nodes_lists_a_node_that_does_not_answer(machine: Machine) -> None:
    with machine.running(SHOP) as program:
        program.send_signal(signal.SIGSTOP)
        told = machine.told("nodes", "--seconds", "0.2")

    [node] = [it for it in told["nodes"] if it["pid"] == program.pid]
    assert node["answers"] is False
    assert node["why"] == (f"node shop.{program.pid} did not answer within 0.2 s; a handler may be blocking it")


@pytest.mark.slow
def test_check_finds_what_is_wrong(machine: Machine) -> None:
    (machine.folder / "shop.toml").write_text("[store]\npaht = 7\n")

    well = machine.actors("check")
    ill = machine.actors("check", "--config", "shop.toml", "--json")

    assert (well.status, {line.split()[0] for line in well.lines}) == (0, {"ok"})
    assert any("packages supervision and actors are this library's alone" in line for line in well.lines)
    assert ill.status == 1
    [fault] = [it for it in json.loads(ill.out)["findings"] if not it["good"]]
    assert "shop.toml" in fault["says"]
    assert "paht" in fault["says"]


@pytest.mark.slow
def test_tree_shows_strategies_restarts_and_why_somebody_failed_last(shop: Machine) -> None:
    shop.actors("cast", "till", '"a bad coin"')
    drawn = shop.actors("tree")
    under = shop.told("tree", "--under", "table")
    wrong = shop.actors("tree", "--under", "tabel")

    assert drawn.lines[1] == "Tree #2 one_for_one, 1 of 50 restarts in 5.0 s"
    assert any(
        re.search(r"till #\d+ Till, restarted 1 times, last failed: ValueError: a bad coin", it) for it in drawn.lines
    )
    assert any("table #6 Supervisor, rest_for_one, 0 of 9 restarts in 1.0 min" in it for it in drawn.lines)
    [table] = under["tree"]
    assert [it["name"] for it in table["children"]] == ["ann", "bob", "cy"]
    assert (wrong.status, "did you mean table?" in wrong.err) == (1, True)


@pytest.mark.slow
def test_log_says_who_died_when_why_and_what_it_was_doing(shop: Machine) -> None:
    shop.actors("cast", "till", '"a bad coin"')
    shop.actors("stop", "other")
    shop.actors("kill", "slow")
    ends = shop.told("log")["ends"]
    failed = shop.actors("log", "--failed", "--actor", "till")
    nobody = shop.actors("log", "--actor", "cy")

    told = [(it["name"], it["failed"], it["reason"], it["handler"], it["message"]) for it in ends]
    assert told == [
        ("till", True, "ValueError: a bad coin", "handle_cast", "str"),
        ("other", False, "shutdown", None, None),
        ("slow", True, "killed", "handle_cast", "str"),
    ]
    assert failed.lines[0] == "when id actor class of doing reason"
    assert re.fullmatch(
        r"\d\d-\d\d [\d:.]{12} #3 till Till #2 handle_cast\(str\) ValueError: a bad coin", failed.lines[1]
    )
    assert nobody.lines == ["no such end is known"]


@pytest.mark.slow
def test_waits_names_a_ring_while_it_lasts_and_its_calls_end_by_their_timeouts(shop: Machine) -> None:
    shop.actors("cast", "opener", '"dine"')
    during = shop.told("waits")
    shown = shop.actors("waits")
    deaths: list[dict[str, Any]] = []
    while not deaths:
        deaths = shop.told("log", "--actor", "ann")["ends"]
    after = shop.told("waits")

    [ring] = during["deadlocks"]
    assert {name[1:4].strip() for name in ring["deadlock"]} == {"ann", "bob", "cy"}
    assert len(ring["calls"]) == 3
    assert sorted(it["caller"][1:4] for it in during["waits"]) == ["ann", "bob", "cy "]
    assert (during["waits"][0]["message"], during["waits"][0]["handler"]) == ("str", "handle_cast")
    assert re.match(
        r"deadlock: <(\w+) #\d+> waits for .* waits for <\1 #\d+>; the first call gives up in", shown.lines[0]
    )
    assert "CallTimeoutError" in deaths[0]["reason"]
    assert after["deadlocks"] == []


@pytest.mark.slow
def test_state_is_shown_and_set_between_two_messages(shop: Machine) -> None:
    before = shop.actors("state", "till")
    changed = shop.told("state", "till", "--set", "sold=9", "--set", "open=False")
    refused = shop.actors("state", "till", "--set", "sodl=9")
    unclear = shop.actors("state", "till", "--set", "sold")
    busy = shop.actors("state", "slow", "--timeout", "0.1")

    assert before.lines == ["<till #3> Till, waiting", "sold = 3", "open = true"]
    assert changed["state"] == {"sold": 9, "open": False}
    assert (refused.status, "has no 'sodl'; there are sold, open" in refused.err) == (1, True)
    assert unclear.status == 2
    assert (busy.status, "was busy with one message for more than 0.1 s" in busy.err) == (1, True)


@pytest.mark.slow
def test_a_message_is_called_cast_or_sent(shop: Machine) -> None:
    cast = shop.actors("cast", "till", "Sell('rye', loaves=2)")
    total = shop.actors("call", "till", "Total()")
    plain = shop.told("call", "till", '{"a": [1, null, true]}')
    sent = shop.actors("send", "till", "shop.Sell('rye')")
    late = shop.actors("call", "slow", "7", "--timeout", "0.1")

    assert cast.lines == ["<till #3> was cast Sell(what='rye', loaves=2)"]
    assert total.lines == ["5"]
    assert (plain["reply"], plain["value"]) == ("{'a': [1, None, True]}", {"a": [1, None, True]})
    assert sent.lines == ["<till #3> was sent Sell(what='rye', loaves=1)"]
    assert (late.status, "did not answer 7 within 0.1 s" in late.err) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "status", "says"),
    [
        ("open", 1, "a text is written in quotes, '\"open\"'"),
        ("Total", 1, "Total is a class; a message of it is Total()"),
        ("Totl()", 1, "there is no Totl in shop; a class elsewhere is written MODULE.Totl"),
        ("Sell(7, 8, 9)", 1, "Sell cannot be made: TypeError"),
        ("subprocess.Popen('ls')", 1, "subprocess.Popen is no message class"),
        ("Till()", 1, "Till is no message class"),
        ("1 +", 2, "is no message: invalid syntax"),
        ("print('x') if 1 else 2", 2, "is no message"),
        ("(lambda: 7)()", 2, "names no message class"),
        ("Sell(*[1])", 2, "'*[1]' is no message, nor part of one: it is no literal"),
        ("3j", 2, "3j cannot be sent"),
        ("[" * 5000, 2, "nested too deeply"),
    ],
)
def test_what_is_no_message_is_refused(message: str, status: int, says: str, busy: Machine) -> None:
    finished = busy.actors("cast", "till", message)

    assert (finished.status, finished.out) == (status, "")
    assert says in finished.err


@pytest.fixture(scope="module")
def busy() -> Iterator[Machine]:
    """Return a machine on which one shop runs, which tests only look at."""
    with new_machine() as machine, machine.running(SHOP):
        yield machine


@pytest.mark.slow
def test_a_message_that_nobody_handles_does_not_reach_an_actor_that_it_would_crash(busy: Machine) -> None:
    finished = busy.actors("call", "opener", "7")

    assert finished.status == 1
    assert finished.err.endswith("has no handle_call: its class, Opener, defines none\n")


@pytest.mark.slow
def test_an_actor_is_suspended_and_resumed(shop: Machine) -> None:
    suspended = shop.actors("suspend", "till")
    shop.actors("cast", "till", "Sell('rye')")
    [held] = [it for it in shop.told("ps")["actors"] if it["name"] == "till"]
    resumed = shop.actors("resume", "till")
    again = shop.actors("resume", "till")

    assert suspended.lines == ["<till #3> is suspended"]
    assert (held["state"], held["length"]) == ("suspended", 1)
    assert resumed.lines == ["<till #3> goes on"]
    assert again.lines == ["<till #3> was not suspended"]
    assert shop.actors("call", "till", "Total()").lines == ["4"]


@pytest.mark.slow
def test_an_actor_is_restarted_killed_and_stopped(shop: Machine) -> None:
    restarted = shop.actors("restart", "till")
    killed = shop.told("kill", "till")
    stopped = shop.actors("stop", "till")
    dynamic = shop.actors("restart", "swimmer")
    top = shop.actors("restart", "#2")
    wrong = shop.actors("kill", "tlil")
    [till] = [it for it in shop.told("ps")["actors"] if it["name"] == "till"]

    assert re.fullmatch(r"<till #3> was restarted, as <till #\d+>", restarted.lines[0])
    assert killed["did"] == "was killed"
    assert re.fullmatch(r"<till #\d+> has stopped", stopped.lines[0])
    assert (dynamic.status, "only if it fails: kill it" in dynamic.err) == (1, True)
    assert (top.status, "has no supervisor" in top.err) == (1, True)
    assert (wrong.status, "did you mean till?" in wrong.err) == (1, True)
    assert till["restarts"] == 2


@pytest.mark.slow
def test_trace_shows_what_an_actor_is_given_while_it_runs_and_not_after(shop: Machine) -> None:
    command = [*ACTORS, "trace", "till", "--for", "30", "--json", "--node", str(shop.pid)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=shop.environment, stdout=pipe, stderr=pipe, text=True) as trace:
        assert trace.stdout is not None
        assert trace.stderr is not None
        said = trace.stderr.readline()
        shop.actors("call", "till", "Total()")
        events = [json.loads(trace.stdout.readline()) for _ in range(2)]
        trace.send_signal(signal.SIGINT)
        status = trace.wait()

    assert said == "tracing till for 30 s\n"
    assert [(it["kind"], it["content"]) for it in events] == [("call", "Total()"), ("reply", "3")]
    assert status == 0


@pytest.mark.slow
def test_dead_letters_are_listed_shown_replayed_and_discarded(shop: Machine) -> None:
    listed = shop.told("dead-letters")
    table = shop.actors("dead-letters", "list")
    shown = shop.actors("dead-letters", "show", "1")
    nobody = shop.actors("dead-letters", "replay", "1")
    replayed = shop.actors("dead-letters", "replay", "1", "--to", "till")
    gone = shop.actors("dead-letters", "show", "1")
    unclear = shop.actors("dead-letters", "discard")
    none = shop.actors("dead-letters", "discard", "--all")

    [letter] = listed["letters"]
    assert (letter["number"], letter["message"], letter["reason"]) == (1, "Sell", "noproc")
    assert table.lines[-1] == "1 of 1 that are kept; there were 1"
    assert "message Sell(what='lost', loaves=1)" in shown.lines
    assert (nobody.status, "<name nobody> is dead; say whom to send the message to" in nobody.err) == (1, True)
    assert replayed.lines == ["letter 1 was sent to <till #3>"]
    assert (gone.status, "no dead letter 1 is kept; there are 0 of 1" in gone.err) == (1, True)
    assert (unclear.status, none.status) == (2, 0)
    assert shop.actors("call", "till", "Total()").lines == ["4"]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1", "1e9", "soon"])
def test_a_time_is_more_than_none_and_at_most_an_hour(seconds: str, busy: Machine) -> None:
    assert busy.actors("call", "till", "7", "--timeout", seconds).status == 2


ALL = [
    "ask", "call", "cast", "check", "kill", "log", "nodes", "offers", "ps", "restart", "resume", "send", "state",
    "stats", "stop", "suspend", "trace", "tree", "waits", "dead-letters", "dead-letters list", "dead-letters show",
    "dead-letters replay", "dead-letters discard",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_every_command_has_help_with_examples(name: str, machine: Machine) -> None:
    finished = machine.actors(*name.split(), "--help")

    assert finished.status == 0
    assert re.search(r"^  Examples:\n    actors ", finished.out, re.MULTILINE)
    assert "--json" in finished.out
