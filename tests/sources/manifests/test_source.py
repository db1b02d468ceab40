import asyncio
import logging
import os
import resource
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from tests.resource.test_objects import BACKUP_JOB, NIGHTLY_BACKUP, PAYMENT_PROCESSOR, PUSH_TOKEN
from tests.waiting import eventually
from yuptime_exporter.core.declared import MonitorSet
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.ports import MonitorSource
from yuptime_exporter.core.schedules import Every
from yuptime_exporter.sources.manifests.limits import WatchLimits
from yuptime_exporter.sources.manifests.source import DirectorySource

# Much longer than any of these takes, so that a busy machine fails no test.
LIMIT_SECONDS = 60

QUICK = WatchLimits(tick_seconds=0.05, ticks_per_retry=2)


def monitor(name: str, expire: object = 300, *, secret: str = "push-token") -> str:
    return f"""\
apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata: {{name: {name}, namespace: yuptime}}
spec:
  type: push
  target:
    push:
      tokenSecretRef: {{name: {secret}, key: token}}
      expireSeconds: {expire}
"""


def both(*texts: str) -> str:
    return "---\n".join(texts)


def write(path: Path, text: str) -> Path:
    """Write a file as programs should: whole, by renaming."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text)
    return draft.rename(path)


def expires(found: MonitorSet) -> dict[str, int]:
    return {
        one.key.name: one.schedule.seconds
        for one in found.monitors
        if isinstance(one.schedule, Every)
    }


def problem_lines(found: MonitorSet) -> list[str]:
    return [str(problem) for problem in found.problems]


Sets = AsyncGenerator[MonitorSet, None]


@asynccontextmanager
async def following(*paths: Path) -> AsyncIterator[tuple[MonitorSet, Sets]]:
    """Follow a source; give its first set, and all that come after it."""
    async with aclosing(DirectorySource(paths, limits=QUICK).watch()) as sets:
        yield await anext(sets), sets


async def the_set(sets: Sets, wanted: Callable[[MonitorSet], bool]) -> MonitorSet:
    """Return the first set that is wanted; the limit is the test's, not the program's."""
    async with asyncio.timeout(LIMIT_SECONDS):
        async for found in sets:
            if wanted(found):
                return found
    raise AssertionError("the source has ended")


async def next_set(sets: Sets) -> MonitorSet:
    async with asyncio.timeout(LIMIT_SECONDS):
        return await anext(sets)


async def first_set(*paths: Path) -> MonitorSet:
    async with following(*paths) as (found, _):
        return found


async def test_the_manifests_of_existing_users_are_found(tmp_path):
    write(tmp_path / "backup.yaml", both(BACKUP_JOB, PUSH_TOKEN))
    write(tmp_path / "nightly.yml", NIGHTLY_BACKUP)
    write(tmp_path / "deep/er/payment.yaml", PAYMENT_PROCESSOR)

    found = await first_set(tmp_path)

    assert [str(one.key) for one in found.monitors] == [
        "yuptime/backup-job",
        "yuptime/nightly-backup",
        "yuptime/payment-processor",
    ]
    assert [one.token_digests for one in found.monitors] == [
        (sha256(b"your-secure-random-token").digest(),),
        (),
        (),
    ]
    assert found.problems == ()


async def test_a_monitor_and_its_secret_can_be_in_different_paths(tmp_path):
    secret = write(tmp_path / "secrets/token.yaml", PUSH_TOKEN)
    declared = write(tmp_path / "monitors/job.yaml", BACKUP_JOB)

    found = await first_set(declared, secret)

    assert found.monitors[0].token_digests == (sha256(b"your-secure-random-token").digest(),)


async def test_a_secret_of_another_namespace_gives_no_token(tmp_path):
    elsewhere = PUSH_TOKEN.replace("namespace: yuptime", "namespace: other")
    write(tmp_path / "a.yaml", both(BACKUP_JOB, elsewhere))

    found = await first_set(tmp_path)

    assert found.monitors[0].token_digests == ()


async def test_ignored_documents_and_types_are_counted(tmp_path):
    others = [BACKUP_JOB.replace("type: push", f"type: {name}") for name in ("http", "tcp", "http")]
    write(tmp_path / "a.yaml", both(*others, "apiVersion: apps/v1\nkind: Deployment\n"))

    found = await first_set(tmp_path)

    assert found == MonitorSet((), {"http": 2, "tcp": 1}, ignored_documents=1)


async def test_hidden_files_other_suffixes_and_special_files_are_ignored(tmp_path):
    write(tmp_path / ".hidden.yaml", "broken: [")
    write(tmp_path / ".git/a.yaml", "broken: [")
    write(tmp_path / "notes.txt", "broken: [")
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    write(tmp_path / "a.json", '{"kind": "List", "items": []}')

    assert await first_set(tmp_path) == MonitorSet(())


async def test_symlinks_to_directories_are_followed_once_even_in_circles(tmp_path):
    write(tmp_path / "real/a.yaml", monitor("a"))
    given = tmp_path / "given"
    given.mkdir()
    (given / "link").symlink_to(tmp_path / "real")
    (given / "same").symlink_to(tmp_path / "real")
    (tmp_path / "real/circle").symlink_to(given)

    found = await first_set(given)

    assert expires(found) == {"a": 300}
    assert found.problems == ()


async def test_a_file_given_twice_is_read_once(tmp_path):
    path = write(tmp_path / "a.yaml", monitor("a"))

    assert (await first_set(tmp_path, path)).problems == ()


async def test_the_first_of_two_declarations_by_path_is_active(tmp_path):
    first = write(tmp_path / "a.yaml", monitor("job", 100))
    second = write(tmp_path / "b.yaml", monitor("job", 200))

    found = await first_set(second, first)

    assert expires(found) == {"job": 100}
    (line,) = problem_lines(found)
    assert line.startswith(f"{second}, document 1 (line 1): metadata.name: ")
    assert f"Monitor yuptime/job is also declared in {first}, document 1 (line 1)" in line


async def test_two_secrets_of_one_name_are_a_problem_but_a_monitor_of_that_name_is_not(tmp_path):
    write(tmp_path / "a.yaml", both(PUSH_TOKEN, monitor("push-token")))
    write(tmp_path / "b.yaml", PUSH_TOKEN)

    (line,) = problem_lines(await first_set(tmp_path))

    assert "Secret yuptime/push-token is also declared in" in line


async def test_monitors_are_added_changed_and_removed_while_running(tmp_path):
    write(tmp_path / "a.yaml", monitor("a"))
    async with following(tmp_path) as (found, sets):
        write(tmp_path / "sub/b.yaml", monitor("b"))
        added = await the_set(sets, lambda one: len(one.monitors) == 2)
        write(tmp_path / "sub/b.yaml", monitor("b", 77))
        changed = await the_set(sets, lambda one: expires(one).get("b") == 77)
        (tmp_path / "a.yaml").unlink()
        removed = await the_set(sets, lambda one: len(one.monitors) == 1)

    assert expires(found) == {"a": 300}
    assert expires(added) == {"a": 300, "b": 300}
    assert expires(changed) == {"a": 300, "b": 77}
    assert expires(removed) == {"b": 77}


async def test_a_token_that_is_replaced_takes_effect(tmp_path):
    write(tmp_path / "job.yaml", BACKUP_JOB)
    write(tmp_path / "token.yaml", PUSH_TOKEN)
    async with following(tmp_path) as (_, sets):
        write(tmp_path / "token.yaml", PUSH_TOKEN.replace("your-secure-random-token", "new"))
        found = await next_set(sets)

    assert found.monitors[0].token_digests == (sha256(b"new").digest(),)


async def test_a_given_file_that_is_replaced_takes_effect(tmp_path):
    path = write(tmp_path / "a.yaml", monitor("a"))
    async with following(path) as (_, sets):
        write(path, monitor("a", 77))
        found = await next_set(sets)

    assert expires(found) == {"a": 77}


async def test_the_swap_of_a_mounted_configmap_is_noticed(tmp_path):
    """Kubelet shows each key as a link into `..data`, which it replaces whole."""
    write(tmp_path / "..2024_01/a.yaml", monitor("a"))
    (tmp_path / "..data").symlink_to("..2024_01")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    async with following(tmp_path) as (before, sets):
        write(tmp_path / "..2024_02/a.yaml", monitor("a", 77))
        (tmp_path / "..data_tmp").symlink_to("..2024_02")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        after = await next_set(sets)

    assert expires(before) == {"a": 300}
    assert expires(after) == {"a": 77}


async def test_a_given_link_with_a_new_target_is_noticed(tmp_path):
    """As git-sync does it: the link is the given path itself."""
    write(tmp_path / "one/a.yaml", monitor("a"))
    write(tmp_path / "two/a.yaml", monitor("a", 77))
    (tmp_path / "current").symlink_to("one")
    async with following(tmp_path / "current") as (_, sets):
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").rename(tmp_path / "current")
        found = await next_set(sets)

    assert expires(found) == {"a": 77}


async def test_a_change_behind_a_link_is_found_without_an_announcement(tmp_path):
    """No announcement reaches the directory that the link stands in."""
    target = write(tmp_path / "elsewhere/a.yaml", monitor("a"))
    given = tmp_path / "given"
    given.mkdir()
    (given / "a.yaml").symlink_to(target)
    async with following(given) as (_, sets):
        write(target, monitor("a", 77))
        found = await next_set(sets)

    assert expires(found) == {"a": 77}


@pytest.mark.parametrize(
    "broken",
    ["a: [", monitor("a", "5m"), "\0", "x", both(monitor("b"), "a: 1\na: 2"), "", "# a"],
    ids=["syntax", "field", "bytes", "no object", "partly", "empty", "comment"],
)
async def test_a_file_that_breaks_keeps_its_last_good_monitors(tmp_path, broken):
    path = write(tmp_path / "a.yaml", both(monitor("a", 77), PUSH_TOKEN))
    async with following(tmp_path) as (before, sets):
        write(path, broken)
        after = await the_set(sets, lambda one: bool(one.problems))
        write(path, monitor("a", 99))
        repaired = await the_set(sets, lambda one: not one.problems)

    kept = {one.key: one for one in after.monitors}
    assert kept[before.monitors[0].key] == before.monitors[0]
    assert expires(repaired) == {"a": 99}
    assert repaired.monitors[0].token_digests == ()


async def test_a_broken_file_adds_its_valid_objects(tmp_path):
    path = write(tmp_path / "a.yaml", both(monitor("a"), monitor("b")))
    async with following(tmp_path) as (_, sets):
        write(path, both(monitor("a", "5m"), monitor("b", 77), monitor("c")))
        found = await the_set(sets, lambda one: bool(one.problems))

    assert expires(found) == {"a": 300, "b": 77, "c": 300}


async def test_an_object_of_a_valid_file_replaces_the_kept_object_of_a_broken_file(tmp_path):
    path = write(tmp_path / "a.yaml", monitor("a"))
    async with following(tmp_path) as (_, sets):
        write(path, "a: [")
        await the_set(sets, lambda one: bool(one.problems))
        write(tmp_path / "b.yaml", monitor("a", 77))
        found = await the_set(sets, lambda one: expires(one) == {"a": 77})

    assert len(found.problems) == 1


async def test_a_broken_file_that_is_removed_removes_its_monitors(tmp_path):
    path = write(tmp_path / "a.yaml", monitor("a"))
    async with following(tmp_path) as (_, sets):
        write(path, "a: [")
        await the_set(sets, lambda one: bool(one.problems))
        write(tmp_path / "b.yaml", monitor("b"))
        path.unlink()
        found = await the_set(sets, lambda one: not one.problems)

    assert expires(found) == {"b": 300}


async def test_a_file_that_cannot_be_read_keeps_its_last_good_monitors(tmp_path):
    path = write(tmp_path / "a.yaml", monitor("a"))
    async with following(tmp_path) as (before, sets):
        path.unlink()
        path.symlink_to(path)
        found = await the_set(sets, lambda one: bool(one.problems))

    assert found.monitors == before.monitors
    assert problem_lines(found) == [f"{path}: cannot be read: Too many levels of symbolic links"]


async def test_a_given_directory_that_vanishes_keeps_its_last_good_monitors(tmp_path):
    given = tmp_path / "given"
    write(given / "sub/a.yaml", monitor("a"))
    async with following(given) as (before, sets):
        given.rename(tmp_path / "elsewhere")
        gone = await the_set(sets, lambda one: bool(one.problems))
        (tmp_path / "elsewhere").rename(given)
        back = await the_set(sets, lambda one: not one.problems)

    assert gone.monitors == before.monitors
    assert problem_lines(gone) == [f"{given}: cannot be read: No such file or directory"]
    assert back == before


async def test_a_linked_directory_whose_target_vanishes_keeps_its_last_good_monitors(tmp_path):
    write(tmp_path / "mount/a.yaml", monitor("a"))
    given = tmp_path / "given"
    given.mkdir()
    (given / "link").symlink_to(tmp_path / "mount")
    async with following(given) as (before, sets):
        (tmp_path / "mount").rename(tmp_path / "unmounted")
        found = await the_set(sets, lambda one: bool(one.problems))

    assert found.monitors == before.monitors


@pytest.mark.parametrize("name", ["missing", "missing.yaml", "fifo"])
async def test_a_path_that_cannot_be_used_at_the_start_is_an_error(tmp_path, name):
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(SourceUnusable, match=f"{name}: "):
        await first_set(tmp_path, tmp_path / name)


async def test_no_part_of_a_secret_is_logged_or_part_of_a_problem(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    write(tmp_path / "a.yaml", PUSH_TOKEN.replace('"your', "*your"))
    write(tmp_path / "b.yaml", PUSH_TOKEN.replace("stringData", "data"))
    write(tmp_path / "c.yaml", PUSH_TOKEN)

    found = await first_set(tmp_path)

    assert found.problems
    assert "secure-random" not in "".join(problem_lines(found))
    assert "secure-random" not in "".join(str(vars(record)) for record in caplog.records)


async def test_a_refresh_returns_when_the_monitors_it_found_are_active(tmp_path):
    write(tmp_path / "a.yaml", monitor("a"))
    source = DirectorySource([tmp_path], limits=QUICK)
    port: MonitorSource = source
    in_force: list[dict[str, int]] = []

    async def follow() -> None:
        async with aclosing(source.watch()) as sets:
            async for found in sets:
                await asyncio.sleep(0.01)  # activating a set takes a moment
                in_force.append(expires(found))

    async with asyncio.timeout(LIMIT_SECONDS), asyncio.TaskGroup() as tasks:
        follower = tasks.create_task(follow())
        await port.refresh()
        first = in_force[-1]
        write(tmp_path / "a.yaml", monitor("a", 77))
        await port.refresh()
        second = in_force[-1]
        await port.refresh()
        follower.cancel()

    assert first == {"a": 300}
    assert second == {"a": 77}
    assert len(in_force) == 2


async def test_a_refresh_ends_with_the_source(tmp_path):
    source = DirectorySource([tmp_path], limits=QUICK)
    sets = source.watch()
    await anext(sets)
    async with asyncio.timeout(LIMIT_SECONDS), asyncio.TaskGroup() as tasks:
        refresh = tasks.create_task(source.refresh())
        await asyncio.sleep(0)
        await sets.aclose()

    assert refresh.cancelled()


async def test_changes_are_found_even_if_the_kernel_announces_none(tmp_path, caplog):
    """The process has no file descriptor left at the moment when the watcher needs one."""
    path = write(tmp_path / "a.yaml", monitor("a"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def allow_again() -> None:
        try:
            while not any("not announced" in record.message for record in caplog.records):  # noqa: ASYNC110  a log record sets no event
                await asyncio.sleep(0.01)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        write(path, monitor("a", 77))

    async with following(tmp_path) as (_, sets):
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        async with asyncio.timeout(LIMIT_SECONDS), asyncio.TaskGroup() as tasks:
            tasks.create_task(allow_again())
            found = await the_set(sets, lambda one: not one.problems)

    assert expires(found) == {"a": 77}


async def test_the_log_says_when_the_kernel_stops_and_resumes_to_announce_changes(tmp_path, caplog):
    """The process has no file descriptor left for a while."""
    caplog.set_level(logging.INFO, "yuptime_exporter.sources")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def logged(text: str) -> int:
        return sum(text in record.message for record in caplog.records)

    async with following(tmp_path) as (_, sets), asyncio.TaskGroup() as tasks:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            following_on = tasks.create_task(the_set(sets, lambda one: bool(one.monitors)))
            await eventually(lambda: logged("are not announced"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await eventually(lambda: logged("are announced again"))
        write(tmp_path / "a.yaml", monitor("a"))
        await following_on

    assert (await logged("are not announced"), await logged("are announced again")) == (1, 1)


@pytest.mark.peer  # takes whole seconds
async def test_one_change_among_a_thousand_manifests_is_the_only_file_read_again(tmp_path):
    for number in range(1000):
        (tmp_path / f"{number:03}.yaml").write_text(monitor(f"job-{number}"))
    source = DirectorySource([tmp_path], limits=QUICK)
    async with aclosing(source.watch()) as sets:
        before = await anext(sets)
        write(tmp_path / "500.yaml", monitor("job-500", 77))
        after = await next_set(sets)

    assert len(before.monitors) == 1000
    assert source.files_parsed_total == 1001
    changed = set(after.monitors) - set(before.monitors)
    assert [(one.key, one.schedule) for one in changed] == [
        (MonitorKey("yuptime", "job-500"), Every(77))
    ]


async def test_a_bad_expression_or_zone_keeps_the_last_good_schedule_and_is_a_problem(tmp_path):
    def scheduled(cron: str, zone: str) -> str:
        schedule = f'  schedule: {{cron: "{cron}", timeZone: {zone}}}\n'
        return monitor("nightly").replace("  type: push\n", f"  type: push\n{schedule}")

    path = write(tmp_path / "nightly.yaml", scheduled("0 2 * * *", "Europe/Berlin"))
    async with aclosing(DirectorySource([tmp_path], limits=QUICK).watch()) as sets:
        good = await anext(sets)
        write(path, scheduled("0 25 * * *", "Europe/Berlin"))
        bad_hour = await next_set(sets)
        write(path, scheduled("0 3 * * *", "Europe/Brlin"))
        bad_zone = await next_set(sets)

    for found in (good, bad_hour, bad_zone):
        assert [str(one.schedule) for one in found.monitors] == ["0 2 * * * (Europe/Berlin)"]
    assert "expected an hour from 0 to 23" in problem_lines(bad_hour)[0]
    assert "did you mean Europe/Berlin?" in problem_lines(bad_zone)[0]


async def test_monitors_that_a_change_does_not_concern_stay_the_identical_objects(tmp_path):
    write(tmp_path / "secret.yaml", PUSH_TOKEN)
    write(tmp_path / "a.yaml", both(monitor("a"), monitor("b", secret="other")))
    write(tmp_path / "b.yaml", monitor("c"))

    async with following(tmp_path) as (before, sets):
        write(tmp_path / "b.yaml", monitor("c", 600))
        after = await next_set(sets)

    assert after.monitors[:2] == before.monitors[:2]
    assert all(one is same for one, same in zip(after.monitors[:2], before.monitors, strict=False))
    assert expires(after)["c"] == 600


async def test_a_secret_that_is_removed_takes_the_tokens_of_its_monitors_along(tmp_path):
    write(tmp_path / "secret.yaml", PUSH_TOKEN)
    write(tmp_path / "a.yaml", monitor("a"))

    async with following(tmp_path) as (before, sets):
        (tmp_path / "secret.yaml").unlink()
        after = await next_set(sets)

    assert before.monitors[0].token_digests
    assert after.monitors[0].token_digests == ()
