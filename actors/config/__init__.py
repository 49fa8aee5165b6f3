"""Configuration: files and environment variables, read into plain values that know where they come from.

What a value may be is for the part to say that it is meant for; here are the words of files and variables alone.
"""

from actors.config.document import Document, read_document
from actors.config.errors import ConfigError, without_password
from actors.config.key import PREFIX, Derived, Key, variable_of
from actors.config.options import Options
from actors.config.settings import Layer, Origin, Setting, Settings, gather

__all__ = [
    "PREFIX",
    "ConfigError",
    "Derived",
    "Document",
    "Key",
    "Layer",
    "Options",
    "Origin",
    "Setting",
    "Settings",
    "gather",
    "read_document",
    "variable_of",
    "without_password",
]
