"""A program's services and policies come from the file beside it; variables of the environment win over the file."""

from pathlib import Path

import trio

from actors import open_system
from actors.config import ConfigError
from actors.queue import QueueClient
from actors.store import StoreClient
from supervision import Supervisor, SupervisorSpec, load_configuration

FILE = Path(__file__).with_name("configuration.toml")


async def main() -> None:
    configuration = load_configuration(FILE, environ={"ACTORS_GC__STRATEGY": "ttl"})
    for name in ("store.path", "gc.strategy", "gc.enabled", "queue.path"):
        setting = configuration.settings[name]
        print(f"{name} is {setting.value!r}: {Path(setting.origin.text).name}")

    policies = configuration.policies()
    for kind, size in (("plan", 10), ("note", 1_000), ("note", 1_001)):
        print(f"a {kind} of {size} bytes goes by", "reference" if policies.by_reference(kind, size) else "value")

    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([configuration.services()]))
        content = await StoreClient(system.named("store")).store(b"nothing to report\n" * 50_000)
        queue = QueueClient(system.named("queue"))
        await queue.put("reader", content.as_dict())
        lease = await queue.lease("reader")
        print(f"{content}, to be leased {lease.message.max_retries} times at most")

    try:
        load_configuration(FILE, environ={"ACTORS_STORE__BACKEND": "redis", "ACTORS_GC__INTERVL": "60"})
    except ConfigError as error:
        print(error)


if __name__ == "__main__":
    trio.run(main)
