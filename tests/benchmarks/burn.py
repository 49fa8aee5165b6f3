"""Work that does nothing but take its time."""

from time import perf_counter


def burn(seconds: float) -> None:
    """Keep the processor busy."""
    end = perf_counter() + seconds
    while perf_counter() < end:
        pass
