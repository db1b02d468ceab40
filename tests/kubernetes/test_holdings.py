"""Kept objects, list by list and event by event."""

from typing import Any

import pytest

from tests.kubernetes.kept import A, B, Kept, raw
from yuptime_exporter.kubernetes.holdings import ObjectMalformed


class TestALists:
    def test_objects_are_held_once_all_are_listed(self) -> None:
        kept = Kept()
        kept.holdings.begin_list()
        kept.holdings.list_object(raw())

        assert kept.holdings.objects == {}
        list(kept.holdings.swap())
        assert kept.holdings.objects == {A: "v"}
        assert kept.told == [(A, None, "v")]

    def test_an_object_that_is_no_longer_listed_is_reported_as_gone(self) -> None:
        kept = Kept()
        kept.list(raw("a"), raw("b"))
        kept.list(raw("b"))

        assert kept.told[2:] == [(A, "v", None)]
        assert kept.holdings.objects == {B: "v"}

    def test_an_unchanged_object_is_neither_decoded_nor_reported(self) -> None:
        kept = Kept()
        kept.list(raw("a"), raw("b"))
        kept.list(raw("a"), raw("b", "2", value="w"))

        assert kept.decoded == 3
        assert kept.told[2:] == [(B, "v", "w")]

    def test_another_object_of_the_same_name_is_reported_as_gone_and_come(self) -> None:
        kept = Kept()
        kept.list(raw())
        kept.list(raw(uid="u2", version="1", value="w"))

        assert kept.told[1:] == [(A, "v", None), (A, None, "w")]

    def test_all_of_a_list_is_visible_before_any_of_it_is_reported(self) -> None:
        kept = Kept()
        kept.list(raw("a"))
        kept.holdings.begin_list()
        kept.holdings.list_object(raw("a", "2", value="w"))
        kept.holdings.list_object(raw("b", "2", value="w"))
        before = kept.holdings.objects
        next(kept.holdings.swap())

        assert kept.holdings.objects == {A: "w", B: "w"}
        assert before == {A: "v"}

    def test_no_object_of_a_list_that_was_given_up_is_held(self) -> None:
        kept = Kept()
        kept.holdings.begin_list()
        kept.holdings.list_object(raw("a"))
        kept.list(raw("b"))

        assert kept.holdings.objects == {B: "v"}

    def test_an_object_without_a_decoded_value_is_not_held(self) -> None:
        kept = Kept()
        kept.list(raw("a", value=None))
        kept.list(raw("a", "2", value="v"))
        kept.list(raw("a", "3", value=None))

        assert kept.told == [(A, None, "v"), (A, "v", None)]

    @pytest.mark.parametrize("bad", [{}, {"metadata": {}}, {"metadata": 1}, {"metadata": []}])
    def test_an_object_without_a_name_is_an_error(self, bad: dict[str, Any]) -> None:
        kept = Kept()
        kept.holdings.begin_list()

        for take in (kept.holdings.list_object, kept.holdings.hold, kept.holdings.drop):
            with pytest.raises(ObjectMalformed):
                take(bad)


class TestAWatch:
    def test_changes_are_visible_when_they_are_reported(self) -> None:
        kept = Kept()
        kept.holdings.hold(raw())
        kept.holdings.hold(raw(version="2", value="w"))
        kept.holdings.drop(raw(version="3"))

        assert kept.told == [(A, None, "v"), (A, "v", "w"), (A, "w", None)]
        assert kept.holdings.objects == {}

    def test_the_same_version_again_changes_nothing(self) -> None:
        kept = Kept()
        kept.list(raw())
        kept.holdings.hold(raw())

        assert kept.decoded == 1

    def test_another_object_of_the_same_name_is_reported_as_gone_and_come(self) -> None:
        kept = Kept()
        kept.holdings.hold(raw())
        kept.holdings.hold(raw(uid="u2"))

        assert kept.told[1:] == [(A, "v", None), (A, None, "v")]

    def test_the_end_of_an_unknown_object_is_no_change(self) -> None:
        kept = Kept()
        kept.holdings.drop(raw())

        assert kept.told == []


class TestASingleRead:
    def test_the_result_of_a_single_read_is_held_even_if_its_version_is(self) -> None:
        # The value to keep has changed, but not the object.
        kept = Kept()
        kept.list(raw())
        read = kept.holdings.begin_read(A)

        assert kept.holdings.end_read(read, raw(value="more"))
        assert kept.told[1:] == [(A, "v", "more")]

    def test_an_object_that_a_single_read_does_not_find_is_gone(self) -> None:
        kept = Kept()
        kept.list(raw())

        assert kept.holdings.end_read(kept.holdings.begin_read(A), None)
        assert kept.holdings.objects == {}

    @pytest.mark.parametrize("what", ["held", "gone", "listed"])
    def test_a_single_read_yields_to_a_change_during_it(self, what: str) -> None:
        kept = Kept()
        kept.list(raw())
        read = kept.holdings.begin_read(A)
        if what == "held":
            kept.holdings.hold(raw(version="3", value="newest"))
        elif what == "gone":
            kept.holdings.drop(raw(version="3"))
        else:
            kept.list(raw(version="3", value="newest"))
        held = dict(kept.holdings.objects)

        assert not kept.holdings.end_read(read, raw(version="2", value="older"))
        assert kept.holdings.objects == held
        assert kept.holdings.end_read(kept.holdings.begin_read(A), raw(version="3", value="newest"))

    def test_a_single_read_is_not_disturbed_by_other_objects(self) -> None:
        kept = Kept()
        read = kept.holdings.begin_read(A)
        kept.holdings.hold(raw("b"))

        assert kept.holdings.end_read(read, raw())

    def test_two_single_reads_at_once_do_not_hide_a_change_from_each_other(self) -> None:
        kept = Kept()
        first, second = kept.holdings.begin_read(A), kept.holdings.begin_read(A)
        assert kept.holdings.end_read(first, raw())
        kept.holdings.hold(raw(version="3"))

        assert not kept.holdings.end_read(second, raw(version="2"))

    def test_a_list_that_has_passed_the_object_already_does_not_make_a_hole(self) -> None:
        kept = Kept()
        kept.holdings.begin_list()
        kept.holdings.list_object(raw("a", value=None))  # nothing of it was wanted then
        read = kept.holdings.begin_read(A)
        kept.holdings.end_read(read, raw("a"))
        kept.holdings.list_object(raw("b"))
        list(kept.holdings.swap())

        assert kept.holdings.objects == {A: "v", B: "v"}
        assert kept.told == [(A, None, "v"), (B, None, "v")]

    def test_a_forgotten_object_does_not_come_back_with_a_list(self) -> None:
        kept = Kept()
        kept.list(raw())
        kept.holdings.begin_list()
        kept.holdings.list_object(raw())
        kept.holdings.forget(A)
        list(kept.holdings.swap())

        assert kept.holdings.objects == {}
        assert kept.told[1:] == [(A, "v", None)]

    def test_a_list_that_began_after_a_single_read_replaces_its_result(self) -> None:
        kept = Kept()
        kept.list(raw())
        read = kept.holdings.begin_read(A)
        kept.holdings.begin_list()
        kept.holdings.end_read(read, raw())
        list(kept.holdings.swap())

        assert kept.holdings.objects == {}
