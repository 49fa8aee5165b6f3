"""What a type checker knows about calls. mypy reads this file; nothing runs it.

An expected error carries the ``type: ignore`` that names it; were there no such error, mypy would
report an unused ignore.
"""

from typing import Any, assert_type

import attrs

from actors import ActorRef, Call, NameRef
from supervision import ChildInfo, WhichChildren, which_children


@attrs.frozen
class Total(Call[int]):
    """A request answered with a number."""


@attrs.frozen
class Names(Call[list[str]]):
    """A request answered with several names."""

    prefix: str


async def a_call_has_the_type_its_message_names(ref: ActorRef) -> None:
    assert_type(await ref.call(Total()), int)
    assert_type(await ref.call(Names("a")), list[str])
    assert_type(await ref.call(Total(), timeout=None), int)


async def a_name_answers_with_the_same_types(name: NameRef) -> None:
    assert_type(await name.call(Total()), int)


async def any_other_object_is_answered_with_anything(ref: ActorRef) -> None:
    assert_type(await ref.call("total"), Any)


async def a_supervisor_answers_with_its_children(supervisor: ActorRef) -> None:
    assert_type(await supervisor.call(WhichChildren()), list[ChildInfo])
    assert_type(await which_children(supervisor), list[ChildInfo])


async def a_wrong_use_of_the_reply_is_an_error(ref: ActorRef) -> str:
    len(await ref.call(Total()))  # type: ignore[arg-type]
    (await ref.call(Names("a"))).upper()  # type: ignore[attr-defined]
    return await ref.call(Total())  # type: ignore[return-value]


async def a_wrong_message_is_an_error(ref: ActorRef) -> None:
    await ref.call(Names())  # type: ignore[call-arg]
    await ref.call(Names(7))  # type: ignore[arg-type]


async def a_wrong_timeout_is_an_error(ref: ActorRef) -> None:
    await ref.call(Total(), timeout="5 s")  # type: ignore[call-overload]
    await ref.call(Total(), 5.0)  # type: ignore[call-overload]


async def a_forgotten_await_is_an_error(ref: ActorRef) -> int:
    ref.call(Total())  # type: ignore[unused-coroutine]
    return ref.call(Total())  # type: ignore[return-value]


def a_cast_has_no_reply(ref: ActorRef) -> None:
    assert_type(ref.cast(Total()), None)


def a_frozen_message_cannot_be_changed(message: Names) -> None:
    message.prefix = "b"  # type: ignore[misc]
