"""Feeding an engine so that it stays full."""

from collections.abc import Iterable, Iterator

from balsa_pipe.engines.base import Engine, Reply, Request


def stream(engine: Engine, requests: Iterable[Request]) -> Iterator[Reply]:
    """Yield replies as they finish; requests are only made when there is room for them."""
    n_flying = 0
    for request in requests:
        engine.submit(request)
        n_flying += 1
        while n_flying >= engine.capacity:
            for reply in engine.step():
                n_flying -= 1
                yield reply
    while n_flying:
        for reply in engine.step():
            n_flying -= 1
            yield reply
