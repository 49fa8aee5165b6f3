"""Telemetry as the configuration has it: attached and served for as long as its actor lives."""

from __future__ import annotations

import subprocess
import sys
from importlib import util
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families
from trio.testing import wait_all_tasks_blocked

from actors import Actor, open_system
from actors.config import ConfigError
from actors.telemetry import Event, HandlerTakenError, MissingExtraError, UnknownEventError, attach, detach, handlers
from actors.telemetry.endpoint import Endpoint, open_loopback
from actors.telemetry.opentelemetry import OpenTelemetry
from actors.telemetry.prometheus import Prometheus
from supervision import (
    ChildSpec,
    ChildStartError,
    LogOptions,
    PrometheusOptions,
    Supervisor,
    SupervisorSpec,
    Telemetry,
    TelemetryOptions,
    load_configuration,
    which_children,
)
from supervision.books import HEIR_SECONDS, _tenures

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorRef, ActorSystem, Caller

CONFIGURED = """
store.backend = "memory"
[telemetry]
log = { enabled = true }
opentelemetry.enabled = true
prometheus = { enabled = true, port = 0, messages = true }
"""


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    yield
    assert handlers() == ()


def configuration(text: str, folder: Path) -> Any:
    file = folder / "shop.toml"
    file.write_text(text, encoding="utf-8")
    return load_configuration(file, environ={})


async def scrape(port: int) -> dict[str, float]:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(b"GET /metrics HTTP/1.0\r\n\r\n")
        answer = b"".join([chunk async for chunk in stream])
    text = answer.partition(b"\r\n\r\n")[2].decode()
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {f"{sample.name} {' '.join(sample.labels.values())}": sample.value for sample in found}


def telemetry_at(ref: ActorRef | None) -> Telemetry:
    assert ref is not None
    actor = ref._process.actor
    assert isinstance(actor, Telemetry)
    return actor


def telemetry_of(system: ActorSystem) -> Telemetry:
    return telemetry_at(system.whereis("telemetry"))


def port_of(system: ActorSystem) -> int:
    port = telemetry_of(system).port
    assert port is not None
    return port


class Till(Actor):
    """Answers what it is asked."""

    def handle_call(self, message: object, caller: Caller) -> object:
        return message


async def test_a_configured_program_is_logged_and_scraped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    services = configuration(CONFIGURED, tmp_path).services()
    async with open_system() as system:
        top = await system.start(Supervisor, SupervisorSpec([services, ChildSpec("till", Till, name="till")]))
        system.named("till").kill()
        await which_children(top)
        found = await scrape(port_of(system))

    assert found["actors_restarts_total Till"] == 1
    assert found["actors_alive Router"] == 1
    lines = [record.getMessage() for record in caplog.records if record.name == "actors.telemetry"]
    assert any(line.startswith("supervisor.restarted") for line in lines)


async def test_a_restart_takes_the_port_and_the_handlers_over(tmp_path: Path) -> None:
    with_port = await open_loopback("127.0.0.1", 0)
    port = with_port[0].socket.getsockname()[1]
    await with_port[0].aclose()
    options = TelemetryOptions(log=LogOptions(), prometheus=PrometheusOptions(port=port), opentelemetry=True)
    tree = SupervisorSpec([ChildSpec("telemetry", Telemetry, args=(options,), name="telemetry")], intensity=5)
    async with open_system() as system:
        top = await system.start(Supervisor, tree)
        attached = {attachment.id for attachment in handlers()}
        for _ in range(3):
            system.named("telemetry").kill()
            await which_children(top)
            assert {attachment.id for attachment in handlers()} == attached
            assert (await scrape(port))["actors_alive Telemetry"] == 1


SOLD = Event("test.shop.sold", "A till sells.")
SCRAPED = TelemetryOptions(prometheus=PrometheusOptions(port=0))


def tree(options: TelemetryOptions, **limits: Any) -> SupervisorSpec:
    children = [
        ChildSpec("telemetry", Telemetry, args=(options,), name="telemetry"),
        ChildSpec("till", Till, name="till"),
    ]
    return SupervisorSpec(children, **limits)


async def test_a_restart_loses_no_count_and_what_happens_meanwhile_is_counted() -> None:
    async with open_system() as system:
        top = await system.start(Supervisor, tree(SCRAPED, intensity=5))
        for _ in range(3):
            SOLD.emit({}, {})
            telemetry = system.named("telemetry")
            telemetry.kill()
            await telemetry.wait()
            SOLD.emit({}, {})
            await which_children(top)
        found = await scrape(port_of(system))

    assert found["actors_events_total test.shop.sold"] == 6
    assert found["actors_restarts_total Telemetry"] == 3
    assert _tenures == {}


async def test_who_scrapes_during_a_restart_waits_and_is_answered_at_the_same_port() -> None:
    async with open_system() as system:
        first = await system.start(Telemetry, SCRAPED, name="telemetry")
        port = port_of(system)
        SOLD.emit({}, {})
        first.kill()
        await first.wait()
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            found: dict[str, float] = {}
            nursery.start_soon(scrape_into, port, found)
            await wait_all_tasks_blocked()
            assert found == {}
            await system.start(Telemetry, SCRAPED, name="telemetry")

        assert port_of(system) == port
        assert found["actors_events_total test.shop.sold"] == 1


async def scrape_into(port: int, found: dict[str, float]) -> None:
    found.update(await scrape(port))


async def test_counts_go_on_after_an_orderly_stop_though_nobody_counts_in_between() -> None:
    async with open_system() as system:
        first = await system.start(Telemetry, SCRAPED, name="telemetry")
        port = port_of(system)
        SOLD.emit({}, {})
        await first.stop()
        await wait_all_tasks_blocked()
        SOLD.emit({}, {})
        with pytest.raises(OSError, match="connect"):
            await trio.open_tcp_stream("127.0.0.1", port)
        await system.start(Telemetry, SCRAPED, name="telemetry")
        SOLD.emit({}, {})
        found = await scrape(port_of(system))

    assert found["actors_events_total test.shop.sold"] == 2


async def test_many_restarts_leave_no_tasks_behind() -> None:
    async with open_system() as system:
        top = await system.start(Supervisor, tree(SCRAPED, intensity=30))
        tasks = []
        for _ in range(20):
            system.named("telemetry").kill()
            await which_children(top)
            await wait_all_tasks_blocked()
            tasks.append(trio.lowlevel.current_statistics().tasks_living)

    assert tasks[1:] == tasks[:1] * 19


async def test_a_socket_that_fails_is_replaced_and_no_count_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    async with open_system() as system:
        top = await system.start(Supervisor, tree(SCRAPED))
        SOLD.emit({}, {})
        first, books = system.whereis("telemetry"), telemetry_of(system)._books
        assert first is not None
        assert books is not None
        with caplog.at_level("CRITICAL"):
            books.listeners[0].socket.shutdown(SHUT_RDWR)
            await first.wait()
        await which_children(top)
        found = await scrape(port_of(system))

    assert found["actors_events_total test.shop.sold"] == 1


ALL = TelemetryOptions(log=LogOptions(), prometheus=PrometheusOptions(port=0), opentelemetry=True)


@pytest.mark.parametrize("taken", ["log of the configuration", "opentelemetry", "prometheus"])
async def test_a_start_that_finds_a_handler_taken_fails_at_once_and_leaves_nothing(
    taken: str, autojump_clock: Any
) -> None:
    attach(taken, SOLD.name, print)
    async with open_system() as system:
        begun = trio.current_time()
        with pytest.raises(HandlerTakenError, match=f"a handler '{taken}' is attached already"):
            await system.start(Telemetry, ALL)
        assert trio.current_time() == begun
        assert [one.id for one in handlers()] == [taken]
        assert _tenures == {}
    detach(taken)


@pytest.mark.parametrize("step", ["LogHandler", "Endpoint", "Tenure", "begin_tenure"])
async def test_a_crash_in_each_step_of_the_start_leaves_nothing(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError(step)

    async with open_system() as system:
        monkeypatch.setattr(f"supervision.telemetry.{step}", crash)
        with pytest.raises(RuntimeError, match=step):
            await system.start(Telemetry, ALL)
        assert (handlers(), _tenures) == ((), {})


async def test_metrics_that_the_next_one_does_not_want_end() -> None:
    async with open_system() as system:
        first = await system.start(Telemetry, SCRAPED, name="telemetry")
        port = port_of(system)
        await killed(first)
        await system.start(Telemetry, TelemetryOptions(log=LogOptions()))
        await wait_all_tasks_blocked()

        assert [one.id for one in handlers()] == ["log of the configuration"]
        with pytest.raises(OSError, match="connect"):
            await trio.open_tcp_stream("127.0.0.1", port)


@pytest.mark.parametrize("taken", ["log of the configuration", "opentelemetry"])
@pytest.mark.parametrize("ended", ["killed", "stopped"])
async def test_a_restart_that_fails_leaves_what_there_was_to_the_next(taken: str, ended: str) -> None:
    async with open_system() as system:
        first = await system.start(Telemetry, ALL, name="telemetry")
        port = port_of(system)
        SOLD.emit({}, {})
        await (first.stop() if ended == "stopped" else killed(first))
        await wait_all_tasks_blocked()
        before = [one.id for one in handlers()]
        attach(taken, SOLD.name, lambda *_: None)
        with pytest.raises(HandlerTakenError):
            await system.start(Telemetry, ALL)
        assert [one.id for one in handlers()] == [*before, taken]
        detach(taken)
        await system.start(Telemetry, ALL, name="telemetry")
        found = await scrape(port_of(system))

        assert before == (["prometheus"] if ended == "killed" else [])
        assert (port_of(system) == port) is (ended == "killed")
        assert found["actors_events_total test.shop.sold"] == 1


async def killed(ref: ActorRef) -> None:
    ref.kill()
    await ref.wait()


async def test_other_metrics_begin_anew() -> None:
    async with open_system() as system:
        first = await system.start(Telemetry, SCRAPED)
        SOLD.emit({}, {})
        first.kill()
        await first.wait()
        timed = TelemetryOptions(prometheus=PrometheusOptions(port=0, messages=True))
        await system.start(Telemetry, timed, name="telemetry")
        SOLD.emit({}, {})
        await (await system.start(Till)).call("ring")
        found = await scrape(port_of(system))

    assert found["actors_events_total test.shop.sold"] == 1
    assert found["actors_span_seconds_count ok actor.call"] == 1


@pytest.mark.parametrize("messages", [False, True], ids=["the same", "others"])
async def test_a_second_one_is_refused_and_takes_nothing_from_the_first(*, messages: bool) -> None:
    async with open_system() as system:
        first = await system.start(Telemetry, SCRAPED, name="telemetry")
        second = TelemetryOptions(prometheus=PrometheusOptions(port=0, messages=messages))
        with pytest.raises(HandlerTakenError, match=f"metrics of this program are served by {first} already"):
            await system.start(Telemetry, second)
        SOLD.emit({}, {})
        found = await scrape(port_of(system))

    assert found["actors_events_total test.shop.sold"] == 1


@pytest.mark.parametrize("stopped_before", [False, True], ids=["first", "after a stop"])
async def test_of_three_that_start_at_once_one_is_up_and_the_others_harm_it_not(*, stopped_before: bool) -> None:
    async with open_system() as system:
        up: list[ActorRef] = []
        refused: list[str] = []

        async def begin() -> None:
            try:
                up.append(await system.start(Telemetry, SCRAPED))
            except HandlerTakenError as error:
                refused.append(str(error))

        if stopped_before:
            await (await system.start(Telemetry, SCRAPED)).stop()
            await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(begin)
        (one,) = up
        port = telemetry_at(one).port
        one.kill()
        await one.wait()
        second = await system.start(Telemetry, SCRAPED)

        assert telemetry_at(second).port == port
        assert refused == [f"the log, spans and metrics of this program are served by {one} already"] * 2


async def test_another_for_other_handlers_is_refused_too() -> None:
    async with open_system() as system:
        first = await system.start(Telemetry, TelemetryOptions(log=LogOptions()))
        with pytest.raises(HandlerTakenError, match=f"are served by {first} already"):
            await system.start(Telemetry, SCRAPED)
        assert [one.id for one in handlers()] == ["log of the configuration"]


async def test_nothing_is_left_at_whichever_turn_of_its_start_the_system_ends() -> None:
    async def end_after(turns: int, scope: trio.CancelScope) -> None:
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        scope.cancel()

    for turns in range(60):
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as scope:
                nursery.start_soon(end_after, turns, scope)
                async with open_system() as system:
                    await system.start(Supervisor, tree(SCRAPED, intensity=5))
                    system.named("telemetry").kill()
                    await trio.sleep_forever()

        assert scope.cancelled_caught
        assert (handlers(), _tenures) == ((), {}), f"after {turns} turns"


async def test_metrics_count_no_more_when_nobody_takes_them_over_or_it_was_stopped(autojump_clock: Any) -> None:
    async with open_system() as system:
        first = await system.start(Telemetry, SCRAPED)
        books = telemetry_at(first)._books
        assert books is not None
        first.kill()
        await trio.sleep(HEIR_SECONDS - 1)
        assert [one.id for one in handlers()] == ["prometheus"]
        assert len(books.listeners) == 1
        await trio.sleep(2)
        assert (handlers(), books.listeners) == ((), [])

        second = await system.start(Telemetry, SCRAPED)
        assert [one.id for one in handlers()] == ["prometheus"]
        await second.stop()
        await wait_all_tasks_blocked()
        assert handlers() == ()


async def test_what_can_be_scraped_no_more_is_restarted_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with open_system() as system:
        top = await system.start(Supervisor, tree(SCRAPED))
        first = system.whereis("telemetry")
        assert first is not None
        till = system.named("till")
        with caplog.at_level("CRITICAL"), pytest.MonkeyPatch.context() as broken:
            broken.setattr(Endpoint, "_make_room", fail)
            stream = await trio.open_tcp_stream("127.0.0.1", port_of(system))
            await first.wait()
            await stream.aclose()
        await which_children(top)
        found = await scrape(port_of(system))

    assert found["actors_restarts_total Telemetry"] == 1
    assert found["actors_alive Till"] == 1
    assert till.alive is False


def fail(*_: object) -> None:
    raise OSError("no more files")


async def test_a_port_that_somebody_has_fails_the_start_at_once(autojump_clock: Any) -> None:
    listeners = await open_loopback("127.0.0.1", 0)
    port = listeners[0].socket.getsockname()[1]
    async with open_system() as system:
        options = TelemetryOptions(log=LogOptions(), prometheus=PrometheusOptions(port=port))
        begun = trio.current_time()
        with pytest.raises(OSError, match="metrics cannot be served at 127"):
            await system.start(Telemetry, options)
        assert trio.current_time() == begun
        assert handlers() == ()
    await listeners[0].aclose()


async def test_events_that_there_are_not_fail_the_start_and_leave_nothing(tmp_path: Path) -> None:
    services = configuration(
        'store.backend = "memory"\ntelemetry.log = { enabled = true, events = ["bus.publsh.*"] }', tmp_path
    ).services()
    async with open_system() as system:
        with pytest.raises(ChildStartError) as failed:
            await system.start(Supervisor, SupervisorSpec([services]))

    causes, error = [], failed.value.__cause__
    while error is not None:
        causes.append(type(error))
        error = error.__cause__
    assert UnknownEventError in causes


def test_nothing_of_it_is_on_by_default(tmp_path: Path) -> None:
    found = configuration("", tmp_path)

    assert found.telemetry == TelemetryOptions()
    assert not found.telemetry


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('telemetry.prometheus.host = "192.168.0.1"', "telemetry.prometheus.host is '192.168.0.1'; allowed is an addr"),
        ("telemetry.prometheus.port = 70000", "telemetry.prometheus.port is 70000; allowed is an int from 0 to 65535"),
        ("telemetry.prometheus.max_labels = 0", "telemetry.prometheus.max_labels is 0; allowed is an int from 1 to"),
        ('telemetry.log.level = "loud"', "telemetry.log.level is 'loud'; allowed is 'debug', 'info', 'warning' or 'e"),
        ("telemetry.log.events = []", "telemetry.log.events is (); allowed are names of events, one or more"),
        ("telemetry.jaeger = true", "telemetry.jaeger is no key of the configuration"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        configuration(text, tmp_path)

    (told,) = raised.value.faults
    assert f"shop.toml:1: {fault}" in told


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the libraries of the extra not found."""
    found = util.find_spec
    gone = {"prometheus_client", "h11", "opentelemetry"}
    monkeypatch.setattr("actors.telemetry.extra.find_spec", lambda name: None if name in gone else found(name))


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_the_configuration_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        configuration("telemetry.prometheus.enabled = true\ntelemetry.opentelemetry.enabled = true", tmp_path)

    cure = "the extra telemetry brings what it takes: python -m pip install 'trio-actors[telemetry]'"
    first, second = raised.value.faults
    assert first.endswith(f"opentelemetry-api is not installed; {cure}")
    assert second.endswith(f"prometheus-client and h11 are not installed; {cure}")


@pytest.mark.usefixtures("without_extra")
async def test_without_the_extra_nothing_else_is_lost() -> None:
    async with open_system() as system:
        with pytest.raises(MissingExtraError, match="python -m pip install 'trio-actors\\[telemetry\\]'"):
            Prometheus(system)
        with pytest.raises(MissingExtraError, match="telemetry for opentelemetry: opentelemetry-api is not installed"):
            OpenTelemetry()
        await system.start(Telemetry, TelemetryOptions(log=LogOptions(level="warning", events=("actor.exited",))))
        assert len(handlers()) == 1


@pytest.mark.slow
def test_no_optional_library_is_loaded_unless_it_is_asked_for() -> None:
    code = (
        "import sys, supervision; print([m for m in ('opentelemetry', 'prometheus_client', 'h11') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout == "[]\n"
