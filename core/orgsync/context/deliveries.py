"""What a context has handed out of each pass, held against what comes back: a position that does not is a loss."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from orgsync.errors import ScriptProblem
from orgsync.records import Batch, Position, Record

__all__ = ["Deliveries"]

R = TypeVar("R", bound=Record)


@dataclass(slots=True)
class _Pass:
    """The positions of one pass that have not come back: those of batches with content, and the last of all."""

    model: type[Record]
    waiting: list[Position] = field(default_factory=list[Position])
    last: Position | None = None
    ended: bool = False


@dataclass(slots=True)
class Deliveries:
    """The passes of one run by stream.

    `filter`, `map` and `replace` keep the position itself, so identity tells whether it came back.
    """

    passes: dict[str, _Pass] = field(default_factory=dict[str, _Pass])

    async def noted(self, model: type[R], stream: str, read: AsyncGenerator[Batch[R]]) -> AsyncGenerator[Batch[R]]:
        """Hand out a pass's batches, and note their positions."""
        one = self.passes[stream] = _Pass(model)
        async with aclosing(read):
            async for batch in read:
                one.last = batch.position
                if batch.position is not None and (batch.rows or batch.deleted_ids):
                    one.waiting.append(batch.position)
                yield batch
        one.ended = True

    def came_back(self, batch: Batch[Any]) -> None:
        """Note that a batch is about to be committed; raises ScriptProblem where one before it was left out."""
        position = batch.position
        one = self.passes.get(position.stream) if position is not None else None
        if position is None or one is None:
            return
        known = next((at for at, each in enumerate(one.waiting) if each is position), None)
        if known:  # rows of an earlier batch would be passed over for good
            raise _lost(one.model)
        if known is not None:
            del one.waiting[0]
        if position is one.last:
            one.last = None

    def require_all(self) -> None:
        """Raise ScriptProblem where a pass was read to its end and a position of it was not yielded."""
        for one in self.passes.values():
            if one.ended and (one.last is not None or one.waiting):
                raise _lost(one.model)


def _lost(model: type[Record]) -> ScriptProblem:
    name = model.__name__
    return ScriptProblem(
        f"Batches of {name} were read and not yielded: their deletions and the position of the pass would be lost.",
        "Yield what batch.map(change), batch.filter(keep) or batch.replace(rows) make of each batch, an empty one too, "
        f"instead of Batch({name}, ...).",
    )
