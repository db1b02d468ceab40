import bcrypt

from yuptime_exporter.web.passwords import Passwords

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4))


async def test_the_right_password_of_a_user_matches_each_time() -> None:
    passwords = Passwords()

    assert await passwords.match({"prometheus": HASH}, "prometheus", b"secret")
    assert await passwords.match({"prometheus": HASH}, "prometheus", b"secret")


async def test_a_wrong_password_and_an_unknown_user_do_not_match() -> None:
    passwords = Passwords()
    assert await passwords.match({"prometheus": HASH}, "prometheus", b"secret")

    assert not await passwords.match({"prometheus": HASH}, "prometheus", b"secrets")
    assert not await passwords.match({"prometheus": HASH}, "prometheus", b"")
    assert not await passwords.match({"prometheus": HASH}, "nobody", b"secret")
    assert not await passwords.match({}, "prometheus", b"secret")


async def test_a_password_that_was_right_does_not_match_a_new_hash() -> None:
    passwords = Passwords()
    assert await passwords.match({"prometheus": HASH}, "prometheus", b"secret")
    changed = bcrypt.hashpw(b"other", bcrypt.gensalt(4))

    assert not await passwords.match({"prometheus": changed}, "prometheus", b"secret")
    assert await passwords.match({"prometheus": changed}, "prometheus", b"other")


async def test_a_long_password_is_compared_by_the_part_that_bcrypt_reads() -> None:
    long = b"x" * 100
    known = bcrypt.hashpw(long[:72], bcrypt.gensalt(4))

    assert await Passwords().match({"prometheus": known}, "prometheus", long)
