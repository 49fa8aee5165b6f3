"""The commands of `actors` that look at a node: a module for each, or for those that go together."""
