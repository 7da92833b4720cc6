import json
from typing import Any

import pytest

from approvals.display.tables import MAX_CELL, MAX_COLUMNS, Table, read_table


def read(data: Any, *, start: int = 0, limit: int = 10) -> Table:
    table = read_table(data, start=start, limit=limit)
    assert table is not None
    return table


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def test_rows_that_are_objects_have_the_columns_of_all_of_them() -> None:
    table = read([{"a": 1}, {"b": "x", "a": 2.5}])
    assert names(table) == ["a", "b"]
    assert texts(table) == [["1", ""], ["2.5", "x"]]


def test_an_object_of_columns_is_filled_up() -> None:
    table = read({"a": [1, 2], "b": ["x"]})
    assert names(table) == ["a", "b"]
    assert texts(table) == [["1", "x"], ["2", ""]]


def test_rows_that_are_lists_have_no_names() -> None:
    table = read([["a", 1], ["b"]])
    assert not table.has_names
    assert texts(table) == [["a", "1"], ["b", ""]]


def test_a_table_may_be_json_text_and_keeps_the_order_of_its_columns() -> None:
    assert names(read('{"z": [1], "a": [2]}')) == ["z", "a"]


@pytest.mark.parametrize(
    "data", [None, 1, "words", {"a": 1}, [1, 2], [{"a": 1}, [2]], "[" * 100_000, '{"a": 1e999']
)
def test_what_is_no_table_is_said_to_be_none(data: Any) -> None:
    assert read_table(data, limit=10) is None


def test_an_empty_table_is_one() -> None:
    assert (read([]).count, read({}).count) == (0, 0)


def test_a_part_of_the_rows_says_which_they_are() -> None:
    table = read([{"n": n} for n in range(25)], start=20, limit=10)
    assert (table.first, table.last, table.count, table.is_cut) == (21, 25, 25, True)
    assert texts(table)[0] == ["20"]


def test_a_page_beyond_the_end_is_empty() -> None:
    assert read([[1]], start=100).rows == []


def test_columns_of_numbers_are_set_as_such_where_they_are_empty_too() -> None:
    table = read([{"n": 1, "t": "x"}, {"n": None, "t": 2}])
    assert [column.is_numeric for column in table.columns] == [True, False]
    assert [[cell.kind for cell in row] for row in table.rows][1] == ["number", "number"]


def test_values_read_as_people_write_them() -> None:
    assert texts(read([[True, False, None, "", {"a": [1]}, 10**30]])) == [
        ["yes", "no", "", "", '{"a": [1]}', str(10**30)]
    ]


def test_columns_and_cells_are_bounded() -> None:
    table = read([{f"c{n}": "x" * 10_000 for n in range(MAX_COLUMNS + 5)}])
    assert len(table.columns) == MAX_COLUMNS
    assert table.columns_left_out == 5
    assert len(table.rows[0][0].text) == MAX_CELL


def test_a_cell_that_is_nested_without_end_is_no_fault() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert texts(read([[deep]])) == [["(nested too deeply)"]]
    while deep:  # its own end would recurse as deeply
        deep = deep.pop()


def test_ten_megabytes_are_read_in_part() -> None:
    text = json.dumps([{"a": "x" * 90, "b": number} for number in range(90_000)])
    assert len(text) > 10_000_000
    table = read(text)
    assert (len(table.rows), table.count) == (10, 90_000)
