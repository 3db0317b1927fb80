"""A fixed series of batches: each adds rows, changes some of the last one, and deletes some of the one before."""

from orgsync.records import Row
from tests.store.contacts import MID, NEW, contact

BATCHES = 12
SIZE = 120


def batch(number: int) -> tuple[list[Row], list[str]]:
    rows = [contact(f"{number:02}-{each:03}", MID) for each in range(SIZE)]
    if number > 0:
        rows += [contact(f"{number - 1:02}-{each:03}", NEW, "Bea") for each in range(0, SIZE, 2)]
    gone = [f"{number - 2:02}-{each:03}" for each in range(0, SIZE, 3)] if number > 1 else []
    return rows, gone
