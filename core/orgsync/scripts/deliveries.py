"""What a context has handed out of each pass, held against what comes back: a position that does not is a loss."""

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
    """The positions of one pass that have not come back, each with whether its batch has content.

    `latest` is the one that came back last. `made_anew`: since then, the script yielded rows of its own in their place.
    """

    model: type[Record]
    waiting: list[tuple[Position, bool]] = field(default_factory=list[tuple[Position, bool]])
    latest: Position | None = None
    made_anew: bool = False
    ended: bool = False

    @property
    def lacks_content(self) -> bool:
        """Tell whether a batch with content has not come back."""
        return any(content for _, content in self.waiting)


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
                if batch.position is not None:
                    one.waiting.append((batch.position, bool(batch.rows or batch.deleted_ids)))
                yield batch
        one.ended = True

    def came_back(self, batch: Batch[Any]) -> None:
        """Note that a batch is about to be committed.

        Raises ScriptProblem where one before it was left out, and where its position is not of this run, or is behind
        the one that came back last.
        """
        position = batch.position
        if position is None or not position.stream:
            for each in self.passes.values():
                each.made_anew = each.made_anew or each.lacks_content
            return
        one = self.passes.get(position.stream)
        at = next((at for at, (each, _) in enumerate(one.waiting) if each is position), None) if one else None
        if one is None or (at is None and position is not one.latest):
            raise _not_next(batch.model)
        if at is not None:
            if any(content for _, content in one.waiting[:at]):  # its rows would be passed over for good
                raise _lost(one.model)
            del one.waiting[: at + 1]
            one.latest, one.made_anew = position, False

    def require_all(self) -> None:
        """Raise ScriptProblem where positions were not yielded: of a pass that was read to its end, or made anew."""
        for one in self.passes.values():
            if (one.ended and one.waiting) or (one.made_anew and one.lacks_content):
                raise _lost(one.model)


def _lost(model: type[Record]) -> BatchInvalid:
    name = model.__name__
    return BatchInvalid(
        f"Batches of {name} were read and not yielded: their deletions and the position of the pass would be lost.",
        "Yield what batch.map(change), batch.filter(keep) or batch.replace(rows) make of each batch, an empty one too, "
        f"instead of Batch({name}, ...).",
    )


def _not_next(model: type[Record]) -> BatchInvalid:
    name = model.__name__
    return BatchInvalid(
        f"A batch of {name} was yielded that another context read, or again after a later one: the next run would go "
        "on from a wrong position.",
        f"Yield each batch of this run's ctx once, in the order of reading; yield other rows as Batch({name}, rows).",
    )
