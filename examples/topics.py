"""Agents hear of each other's findings on topics, also after a kill of the bus; who is slow learns what it missed."""

import trio

from actors import Actor, open_system
from actors.bus import BusClient, TopicBus, TopicFilter, TopicMessage
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children


class Archivist(Actor):
    async def init(self) -> None:
        self.kept: list[str] = []
        await BusClient(self.system.named("bus")).subscribe_actor("findings.**")

    def handle_info(self, message: TopicMessage) -> None:
        self.kept.append(f"{message.topic} by {message.from_agent}")

    def terminate(self, reason: object) -> None:
        print("the archivist has", ", ".join(self.kept))


TREE = SupervisorSpec(
    [
        ChildSpec("bus", TopicBus, name="bus"),
        ChildSpec("archivist", Archivist, name="archivist"),
    ]
)


async def main() -> None:
    async with open_system() as system:
        desk = await system.start(Supervisor, TREE)
        bus = BusClient(system.named("bus"), agent="reader")
        urgent = await bus.subscribe("findings.*", filter=TopicFilter(metadata={"urgent": "yes"}))
        latest = await bus.subscribe("findings.tea", buffer_size=1, overflow="drop_oldest")

        print(await bus.publish("findings.tea", "it is green", metadata={"urgent": "yes"}))
        print(await bus.publish("findings.milk", "it is white"))
        system.named("bus").kill()
        await which_children(desk)
        print(await bus.publish("findings.tea", "it is black"))

        print("urgent:", (await anext(urgent)).payload)
        print("latest:", (await anext(latest)).payload, "after", latest.dropped, "that was dropped")
        tea = await bus.topic_statistics("findings.tea")
        print(f"{tea.topic}: {tea.published} published, {tea.active_subscriptions} subscriptions")


if __name__ == "__main__":
    trio.run(main)
