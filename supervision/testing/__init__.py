"""What helps to test what runs in supervision trees."""

from supervision.testing.kill_children import ChildKiller, kill_children
from supervision.testing.supervised import start_supervised, stop_supervised

__all__ = ["ChildKiller", "kill_children", "start_supervised", "stop_supervised"]
