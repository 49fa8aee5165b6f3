"""The console script `actors`; what it needs beyond the library is the extra ``shell``."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final, NoReturn

NEEDED: Final = ("click", "wcwidth")
USAGE: Final = 2


def main() -> NoReturn:
    """Do what the command line says, and exit."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        cure = "python -m pip install 'trio-actors[shell]'"
        is_not, it = ("is not", "it") if len(missing) == 1 else ("are not", "them")
        sys.stderr.write(f"actors: {' and '.join(missing)} {is_not} installed; the commands need {it}: {cure}\n")
        sys.exit(USAGE)
    from actors.shell.commands.catalogue import COMMANDS  # noqa: PLC0415 -- as below
    from actors.shell.terminal.command_line import run_commands  # noqa: PLC0415 -- it cannot be imported without them
    from supervision.commands import check, config, run  # noqa: PLC0415 -- as above

    run_commands(*COMMANDS, run, check, config)


if __name__ == "__main__":
    main()
