"""Taking turns: several who mirror servers leave the database to whoever decides meanwhile."""

import itertools
import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from approvals.remote.turns import Turns, writing

pytestmark = pytest.mark.django_db(transaction=True)
_WRITERS, _WRITES = 4, 10


def _write(turns: Turns, writer: int) -> None:
    for number in range(_WRITES):
        with writing(turns):
            Group.objects.create(name=f"mirror {writer} {number}")
    connection.close()


def _decide_without_patience(number: int) -> None:
    """Write from a connection of its own that waits for nobody."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")
    with transaction.atomic():
        Group.objects.create(name=f"decision {number}")


def test_at_each_rest_the_database_is_free_for_whoever_decides() -> None:
    decided = itertools.count()
    ticks = itertools.count()
    turns = Turns(
        clock=lambda: next(ticks) * 0.03,  # three writes are a row
        rest=lambda _: _decide_without_patience(next(decided)),
    )
    writers = [threading.Thread(target=_write, args=(turns, writer)) for writer in range(_WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    written = _WRITERS * _WRITES
    assert Group.objects.filter(name__startswith="mirror").count() == written
    rests = written // 3 if connection.vendor == "sqlite" else 0  # where writers do not queue
    assert Group.objects.filter(name__startswith="decision").count() == rests


def test_a_turn_that_fails_gives_way_to_the_next() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), writing(turns):
        Group.objects.create(name=str(1 / 0))
    with writing(turns):
        Group.objects.create(name="next")
    assert Group.objects.filter(name="next").exists()


def test_who_is_in_a_transaction_waits_for_no_turn() -> None:
    turns = Turns()
    with turns.take(), transaction.atomic(), writing(turns):
        Group.objects.create(name="within")
    assert Group.objects.filter(name="within").exists()
