"""A deliberate defect: something of the product, replaced while a block runs. Nothing on disk is touched."""

# ruff: noqa: ANN401 - a defect takes the place of whatever stands there

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Swap:
    """`owner.name` becomes what `make` makes of it."""

    owner: Any
    name: str
    make: Callable[[Any], Any]

    @contextmanager
    def made(self) -> Iterator[None]:
        """The owner, changed for as long as the block runs."""
        kept = vars(self.owner)[self.name]
        setattr(self.owner, self.name, self.make(kept))
        try:
            yield
        finally:
            setattr(self.owner, self.name, kept)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A defect in one sentence. With more than one swap the sentence names the guards that are removed as well,
    because each of them alone would make the defect harmless."""

    name: str
    sentence: str
    swaps: tuple[Swap, ...]

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The product, with the defect."""
        with ExitStack() as stack:
            for swap in self.swaps:
                stack.enter_context(swap.made())
            yield


def always(answer: object) -> Callable[[Any], Any]:
    """Instead of a method: one that only answers so."""
    return lambda kept: lambda *_args, **_named: answer


def idle(_kept: Any) -> Any:
    """Instead of an async method: one that does nothing."""

    async def nothing(*_args: object, **_named: object) -> None:
        return None

    return nothing
