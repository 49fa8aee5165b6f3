"""A node's socket: it answers, and whatever a client does is its own loss."""

from __future__ import annotations

import logging
import os
import random
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import Actor, ActorSystem, Caller
from actors.shell import Counters, Limits, Node, directory, serve_node
from actors.shell.frame import HEADER, encode
from actors.snapshot import FIELDS
from tests.actors.shell.conversation import Connect, rows

if TYPE_CHECKING:
    from pathlib import Path


class Till(Actor):
    def handle_call(self, message: object, caller: Caller) -> object:
        return message


def seen(node: Node, **counted: int) -> bool:
    """Say whether *node* has counted just this, besides connections and requests."""
    expected = Counters(**{"connections": node.counters.connections, "requests": node.counters.requests} | counted)
    return node.counters == expected


async def until_gone(node: Node) -> None:
    """Wait until somebody has been connected, and no client is any more."""
    with trio.fail_after(20):
        while node.clients or not node.counters.connections:  # noqa: ASYNC110 -- nothing else tells that a client has gone
            await trio.sleep(0.001)


async def test_answers_about_itself(connect: Connect, node: Node, real_system: ActorSystem) -> None:
    await real_system.start(Till, name="till")
    client = await connect(node)

    [answer] = await client.ask("node")

    assert answer.word == "end"
    told = answer.content
    assert (told["name"], told["pid"], told["actors"]) == (f"shop.{os.getpid()}", os.getpid(), 1)
    assert told["socket"] == Counters(connections=1, requests=1).as_mapping()


async def test_answers_one_request_after_the_other(connect: Connect, node: Node, real_system: ActorSystem) -> None:
    for number in range(600):
        await real_system.start(Till, name=f"till {number}")
    client = await connect(node)
    await client.send(encode("actors", {}) + encode("actors", {}))

    answers = [await client.ask("actors"), await client.ask("actors"), await client.ask("actors")]

    for frames in answers:
        assert frames[-1].word == "end"
        assert len(frames) > 3
        assert [row[FIELDS.index("name")] for row in rows(frames)] == [f"till {number}" for number in range(600)]


async def test_answers_about_one_actor_by_name_and_by_id(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    till = await real_system.start(Till, name="till")
    await real_system.start(Till, name="other")
    client = await connect(node)

    by_name = await client.ask("actor", {"name": "till"})
    by_id = await client.ask("actor", {"id": till.id})
    unknown = await client.ask("actor", {"name": "tlil"})

    assert [row[0] for row in rows(by_name)] == [row[0] for row in rows(by_id)] == [till.id]
    assert rows(unknown) == []
    assert by_name[0].content[2]["class"] == f"{Till.__module__}.Till"


@pytest.mark.parametrize(
    "data",
    [
        HEADER.pack(0),
        HEADER.pack(3) + b"\xc1\xc1\xc1",
        encode("actors", "no mapping"),
        encode("actor", {"name": 7}),
        encode("actor", {}),
    ],
    ids=["empty", "no msgpack", "no mapping", "wrong name", "no name"],
)
async def test_a_malformed_frame_is_refused_and_counted(
    connect: Connect, data: bytes, node: Node, real_system: ActorSystem
) -> None:
    till = await real_system.start(Till)
    client = await connect(node)

    await client.send(data)

    assert await client.refusal() == "malformed"
    await until_gone(node)
    assert seen(node, malformed=1)
    assert await till.call("alive") == "alive"


async def test_an_oversized_frame_is_refused_before_it_is_read(connect: Connect, node: Node) -> None:
    client = await connect(node)

    await client.send(HEADER.pack(1001))

    assert await client.refusal() == "oversized"
    await until_gone(node)
    assert seen(node, oversized=1)


async def test_a_client_that_says_nothing_is_cut_off(connect: Connect, hasty_node: Node) -> None:
    client = await connect(hasty_node)
    half = await connect(hasty_node)
    await half.send(encode("actors", {})[:7])

    assert await client.receive() is None
    assert await half.receive() is None
    assert seen(hasty_node, timed_out=2)


async def test_a_client_that_reads_nothing_is_cut_off(
    connect: Connect, hasty_node: Node, real_system: ActorSystem
) -> None:
    for _ in range(1000):
        await real_system.start(Till)
    client = await connect(hasty_node)

    await client.send(encode("actors", {}) * 20)

    await until_gone(hasty_node)
    assert seen(hasty_node, timed_out=1)
    assert hasty_node.counters.requests < 20


@pytest.mark.parametrize("length", [2, 7], ids=["of a header", "of a frame"])
async def test_a_client_that_goes_in_the_middle_is_counted(connect: Connect, node: Node, length: int) -> None:
    client = await connect(node)
    await client.send(encode("actors", {})[:length])

    await client.stream.aclose()

    await until_gone(node)
    assert seen(node, broken=1)


async def test_a_client_that_goes_between_two_requests_is_nothing_special(connect: Connect, node: Node) -> None:
    client = await connect(node)
    await client.ask("node")

    await client.stream.aclose()

    await until_gone(node)
    assert seen(node)


async def test_clients_beyond_the_limit_are_refused(connect: Connect, node: Node) -> None:
    clients = [await connect(node) for _ in range(3)]
    for client in clients:
        await client.ask("node")

    late = await connect(node)

    assert await late.refusal() == "too_many"
    assert seen(node, too_many=1)
    assert [frame.word for frame in await clients[0].ask("node")] == ["end"]


async def test_another_user_is_refused(
    connect: Connect, real_system: ActorSystem, nursery: trio.Nursery, runtime_directory: Path
) -> None:
    node = Node(real_system, "shop", Limits(), user=os.geteuid() + 1)
    nursery.start_soon(node.serve)
    client = await connect(node)

    assert await client.refusal() == "stranger"
    assert seen(node, strangers=1)


async def test_where_the_platform_does_not_tell_who_connects_the_modes_are_what_there_is(
    connect: Connect, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "SO_PEERCRED")
    client = await connect(node)

    assert [frame.word for frame in await client.ask("node")] == ["end"]


INTRUDER = """
import os, socket, sys
intruder = socket.socket(socket.AF_UNIX)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    intruder.connect(sys.argv[1])
    print(intruder.recv(1000)[6:])
except PermissionError as error:
    print(error.strerror)
"""


async def intrusion(node: Node) -> str:
    """Return what another user's program gets to see of *node*; only root can be another user."""
    finished = await trio.run_process([sys.executable, "-c", INTRUDER, str(node.path)], capture_stdout=True)
    return finished.stdout.decode()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can connect as another user: run this as root")
async def test_another_user_neither_passes_the_directory_nor_the_socket(node: Node, runtime_directory: Path) -> None:
    assert await intrusion(node) == "Permission denied\n"

    for path in (runtime_directory, node.path.parent):
        path.chmod(0o711)

    assert await intrusion(node) == "Permission denied\n"
    assert seen(node)

    node.path.chmod(0o666)

    assert "stranger" in await intrusion(node)
    assert seen(node, strangers=1)


@pytest.mark.slow
async def test_two_thousand_random_frames_harm_nobody(connect: Connect, node: Node, real_system: ActorSystem) -> None:
    till = await real_system.start(Till, name="till")
    chance = random.Random(7)  # noqa: S311 -- chance, not secrecy
    good = [encode("actors", {}), encode("node", {}), encode("actor", {"name": "till"})]
    for _ in range(2000):
        data = bytearray(chance.choice(good))
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        client = await connect(node)
        await client.send(data)
        await client.stream.send_eof()
        while await client.receive_some():
            """Read whatever comes."""
        await client.stream.aclose()

    await until_gone(node)
    assert node.counters.failed == node.counters.timed_out == 0
    assert node.counters.connections == 2000
    assert min(node.counters.malformed, node.counters.oversized, node.counters.broken) > 10
    assert await till.call("alive") == "alive"


async def test_an_answer_that_fails_is_logged_and_harms_nobody(
    connect: Connect, node: Node, real_system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(Actor):
        def list_children(self) -> Any:
            raise RuntimeError("no children today")

        def find_child(self, ref: object) -> None:
            """Find nobody."""

    odd = await real_system.start(Odd)
    client = await connect(node)

    await client.ask("actors")

    await until_gone(node)
    assert seen(node, failed=1)
    assert "could not answer" in caplog.text
    assert odd.alive


async def test_the_socket_is_removed_when_the_node_is_no_longer_served(
    connect: Connect, real_system: ActorSystem, runtime_directory: Path
) -> None:
    async with trio.open_nursery() as nursery:
        node = await nursery.start(serve_node, real_system, "shop")
        client = await connect(node)
        nursery.cancel_scope.cancel()

    assert not node.path.exists()
    assert await client.receive() is None


async def test_without_a_socket_the_node_says_so_once_and_runs_on(
    real_system: ActorSystem,
    nursery: trio.Nursery,
    runtime_directory: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (runtime_directory / "trio-actors").write_text("in the way")

    node = await nursery.start(serve_node, real_system, "shop")

    assert node is None
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("nobody can look at shop with the shell, since it has no socket: ")


async def test_a_node_can_be_asked_while_its_actors_stop(
    connect: Connect, real_system: ActorSystem, nursery: trio.Nursery, node: Node
) -> None:
    class Hanging(Actor):
        async def terminate(self, reason: object) -> None:
            await trio.sleep_forever()

    hanging = await real_system.start(Hanging, shutdown=30.0)
    nursery.start_soon(hanging.shut_down, 30.0)
    client = await connect(node)
    await trio.testing.wait_all_tasks_blocked()

    [row] = rows(await client.ask("actors"))

    assert row[FIELDS.index("state")] == "stopping"
    hanging.kill()


async def test_a_client_hears_why_a_command_cannot_be_done_and_may_ask_another(connect: Connect, node: Node) -> None:
    client = await connect(node)

    await client.send(encode("dance", {}))
    frame = await client.receive()

    assert frame is not None
    assert frame.content == ["unknown", "the command 'dance' is offered by no actor here"]
    assert seen(node, refused=1)
    assert [frame.word for frame in await client.ask("node")] == ["end"]


async def test_a_socket_that_fails_is_logged_and_harms_nobody(
    real_system: ActorSystem,
    runtime_directory: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def accept(listener: trio.SocketListener) -> trio.SocketStream:
        raise OSError("no more sockets today")

    monkeypatch.setattr(trio.SocketListener, "accept", accept)
    till = await real_system.start(Till)

    await serve_node(real_system, "shop")

    assert f"nobody can look at <Node shop.{os.getpid()}: 0 clients, 0 requests> any more" in caplog.text
    assert await till.call("alive") == "alive"
    assert list(directory.sockets()) == []
