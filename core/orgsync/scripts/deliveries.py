"""The positions that a context handed out and the script yielded back: one that is not yielded back is a loss."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from orgsync.errors import BatchInvalid
from orgsync.records import Batch, Position, Record

__all__ = ["Deliveries"]

R = TypeVar("R", bound=Record)


@dataclass(slots=True)
class _Pass:
    """The positions of one pass that were not yielded back yet, each with whether its batch has content.

    `latest` is the one that was yielded back last. `replaced` says that the script has yielded rows of its own since.
    """

    model: type[Record]
    waiting: list[tuple[Position, bool]] = field(default_factory=list[tuple[Position, bool]])
    latest: Position | None = None
    replaced: bool = False
    ended: bool = False

    @property
    def lacks_content(self) -> bool:
        """Whether a batch with content was not yielded back yet."""
        return any(content for _, content in self.waiting)


@dataclass(slots=True)
class Deliveries:
    """The passes of one run by stream.

    `passed_on` is the id of what the script returned: where that is a pass, no code of the script's sees its rows.
    `filter`, `map` and `replace` keep the same position object, so its identity shows whether it was yielded back.
    """

    passes: dict[str, _Pass] = field(default_factory=dict[str, _Pass])
    passed_on: int | None = None

    async def track(self, model: type[R], stream: str, read: AsyncGenerator[Batch[R]]) -> AsyncGenerator[Batch[R]]:
        """Yield the batches of a pass, and note their positions."""
        one = self.passes[stream] = _Pass(model)
        async with aclosing(read):
            async for batch in read:
                if batch.position is not None:
                    one.waiting.append((batch.position, bool(batch.rows or batch.deleted_ids)))
                yield batch
        one.ended = True

    def returned(self, batch: Batch[Any]) -> None:
        """Note that a batch is about to be committed.

        Raises ScriptProblem if one before it was left out, and if its position is not of this run, or is behind the one
        that was yielded back last.
        """
        position = batch.position
        if position is None or not position.stream:
            for each in self.passes.values():
                each.replaced = each.replaced or each.lacks_content
            return
        one = self.passes.get(position.stream)
        at = next((at for at, (each, _) in enumerate(one.waiting) if each is position), None) if one else None
        if one is None or (at is None and position is not one.latest):
            raise _not_next(batch.model)
        if at is not None:
            if any(content for _, content in one.waiting[:at]):  # its rows would be passed over for good
                raise _lost(one.model)
            del one.waiting[: at + 1]
            one.latest, one.replaced = position, False

    def require_all(self) -> None:
        """Raise ScriptProblem if positions were not yielded back: of a pass that was read to its end, or replaced."""
        for one in self.passes.values():
            if (one.ended and one.waiting) or (one.replaced and one.lacks_content):
                raise _lost(one.model)


def _lost(model: type[Record]) -> BatchInvalid:
    name = model.__name__
    return BatchInvalid(
        f"Batches of {name} were read and not yielded: their deletions and the position of the pass would be lost.",
        "Yield what batch.map(change), batch.filter(keep) or batch.replace(rows) returns for each batch, also an empty "
        f"one, instead of Batch({name}, ...).",
    )


def _not_next(model: type[Record]) -> BatchInvalid:
    name = model.__name__
    return BatchInvalid(
        f"A batch of {name} was yielded out of order, or was read by another context: the next run would "
        "continue from a wrong position.",
        f"Yield each batch of this run's ctx once, in the order of reading; yield other rows as Batch({name}, rows).",
    )
