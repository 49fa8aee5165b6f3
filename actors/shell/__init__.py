"""The shell: a node's socket, and the commands that look at a running node through it.

Here is what runs in the node, and what both sides speak. What runs at the client is in `commands`, `terminal` and
`client`, of which the node imports nothing.
"""

import typing as _typing

from actors.front_door import open_on_use as _open_on_use

if _typing.TYPE_CHECKING:
    from actors.shell.errors import (
        CommandError,
        DirectoryError,
        FrameError,
        LiteralError,
        NoActorError,
        NoNodeError,
        RefusedError,
        SeveralNodesError,
        ShellError,
        UnreachableError,
    )
    from actors.shell.node import Counters, Limits, Node, serve_node
else:
    __getattr__, __dir__ = _open_on_use(__name__, "errors", "node")

__all__ = [
    "CommandError",
    "Counters",
    "DirectoryError",
    "FrameError",
    "Limits",
    "LiteralError",
    "NoActorError",
    "NoNodeError",
    "Node",
    "RefusedError",
    "SeveralNodesError",
    "ShellError",
    "UnreachableError",
    "serve_node",
]
