"""The limit of connections, from the limit of open files."""

import resource

from yuptime_exporter.wiring.descriptors import MAX_CONNECTIONS, connection_limit


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one() -> None:
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        connection_limit(None)
        raised, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert raised == hard


def test_the_number_that_the_operator_gives_wins_where_the_system_allows_it() -> None:
    assert connection_limit(10) == 10
    assert 0 < connection_limit(None) <= MAX_CONNECTIONS
