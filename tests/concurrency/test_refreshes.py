from yuptime_exporter.concurrency.refreshes import Refreshes


async def test_a_request_is_answered_at_the_end_of_the_next_pass() -> None:
    refreshes = Refreshes()
    done = refreshes.request()
    refreshes.begin_pass()
    early = done.done()
    refreshes.end_pass()

    assert not early
    assert done.done()


async def test_a_request_during_a_pass_waits_for_the_one_after_it() -> None:
    refreshes = Refreshes()
    refreshes.begin_pass()
    done = refreshes.request()
    refreshes.end_pass()
    answered_early, waits = done.done(), refreshes.waiting
    refreshes.begin_pass()
    waits_still = refreshes.waiting
    refreshes.end_pass()

    assert (answered_early, waits, waits_still) == (False, True, False)
    assert done.done()


async def test_a_pass_that_begins_again_keeps_its_requests() -> None:
    # A list whose first page failed is listed again from its beginning.
    refreshes = Refreshes()
    first = refreshes.request()
    refreshes.begin_pass()
    second = refreshes.request()
    refreshes.begin_pass()
    refreshes.end_pass()

    assert first.done()
    assert second.done()


async def test_a_caller_that_left_does_not_disturb_the_others() -> None:
    refreshes = Refreshes()
    left, stayed = refreshes.request(), refreshes.request()
    left.cancel()
    refreshes.begin_pass()
    refreshes.end_pass()

    assert stayed.result() is None


async def test_all_requests_are_cancelled_when_there_are_no_further_passes() -> None:
    refreshes = Refreshes()
    first = refreshes.request()
    refreshes.begin_pass()
    second = refreshes.request()
    refreshes.cancel()

    assert first.cancelled()
    assert second.cancelled()
