from dxnotebook.records.rejects import REJECTS, Reject, Rejects


def added(raws, page=0):
    rejects = Rejects()
    for position, raw in enumerate(raws):
        rejects.add(Reject("s", page, position, "odd", raw))
    return rejects


def test_none_are_an_empty_table_of_the_same_types():
    assert Rejects().table().equals(REJECTS.empty_table())


def test_few_are_listed_one_by_one_even_if_they_are_the_same():
    table = added(["1"] * 500).table()
    assert table["position"].to_pylist() == [*range(500)]
    assert set(table["reason"].to_pylist()) == {"odd"}


def test_of_many_the_same_are_counted_however_they_alternate():
    table = added(["1", "2"] * 5_000).table()
    assert len(table) == 1_001
    assert table["reason"].to_pylist()[-2:] == ["odd (4,501 times)", "odd (4,500 times)"]
    assert table["raw"].to_pylist()[-2:] == ["2", "1"]


def test_many_different_ones_stay_in_their_order():
    raws = [str(number) for number in range(40_000)]
    assert added(raws).table()["raw"].to_pylist() == raws


def test_a_table_is_where_to_go_back_to():
    rejects = added(["1"] * 2_000)
    before = rejects.table()
    rejects.add(Reject("s", 0, 0, "odd", "1"))
    assert len(rejects.table()) == len(before) + 1
    assert Rejects(before).table().equals(before)


def test_objects_are_listed_one_by_one_however_many():
    assert len(added(['{"Id":"a"}'] * 3_000).table()) == 3_000
