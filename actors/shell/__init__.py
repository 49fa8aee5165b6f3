"""The shell: a node's socket, and the commands that look at a running node through it."""

from actors.shell.errors import (
    DirectoryError,
    FrameError,
    NoNodeError,
    RefusedError,
    SeveralNodesError,
    ShellError,
    UnreachableError,
)
from actors.shell.node import Counters, Limits, Node, serve_node

__all__ = [
    "Counters",
    "DirectoryError",
    "FrameError",
    "Limits",
    "NoNodeError",
    "Node",
    "RefusedError",
    "SeveralNodesError",
    "ShellError",
    "UnreachableError",
    "serve_node",
]
