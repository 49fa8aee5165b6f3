"""The shell: a node's socket, and the commands that look at a running node through it."""

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
