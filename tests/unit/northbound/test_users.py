"""Users of the configuration: hashes, keys, and who is let in."""

from __future__ import annotations

import asyncio
import base64

import asyncssh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promise.northbound.access import Identity
from promise.northbound.users import BadCredential, User, Users, hash_password, public_key, verify_password

ED25519 = asyncssh.generate_private_key("ssh-ed25519")
ECDSA = asyncssh.generate_private_key("ecdsa-sha2-nistp256")


def line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode()


@given(st.text(max_size=50), st.text(max_size=50))
@settings(max_examples=3, deadline=None)
def test_a_password_is_known_by_its_hash_and_no_other_is(password: str, other: str) -> None:
    hashed = hash_password(password)
    assert hashed != hash_password(password)
    assert verify_password(password, hashed)
    assert verify_password(other, hashed) is (other == password)


def test_a_hash_tells_its_parameters() -> None:
    scheme, cost, block_size, parallelism, salt, key = hash_password("secret").split("$")
    assert (scheme, cost, block_size, parallelism) == ("scrypt", "16384", "8", "1")
    assert (len(base64.b64decode(salt)), len(base64.b64decode(key))) == (16, 32)


@pytest.mark.parametrize(
    "text",
    ["", "secret", "scrypt$", "md5$16$8$1$c2FsdA==$c2FsdA==", "scrypt$x$8$1$c2FsdA==$c2FsdA==",
     "scrypt$16$8$1$c2FsdA==$", "scrypt$16$8$1$!$c2FsdA==", "scrypt$16$8$1$c2FsdA==$c2FsdA==$"],
)  # fmt: skip
def test_a_hash_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadCredential, match=r"scrypt\$N\$r\$p\$salt\$key"):
        verify_password("secret", text)


@pytest.mark.parametrize(
    "parameters", ["0$8$1", "1$8$1", "15$8$1", "-16$8$1", "1073741824$8$1", "16$0$1", "16$-8$1", "16$8$0", "16$8$1000"]
)
def test_scrypt_parameters_that_do_not_work_are_refused_when_users_are_made(parameters: str) -> None:
    with pytest.raises(BadCredential, match="power of two"):
        Users([User("fred", password_hash=f"scrypt${parameters}$c2FsdA==$c2FsdA==")])


def test_the_most_expensive_parameters_that_are_accepted_do_work() -> None:
    assert not verify_password("secret", "scrypt$262144$8$1$c2FsdA==$c2FsdA==")


@pytest.mark.parametrize("key", [ED25519, ECDSA])
def test_a_public_key_line_is_read(key: asyncssh.SSHKey) -> None:
    assert public_key(line(key)) == key.public_data
    assert public_key(line(key).strip() + " fred@bedrock two words\n") == key.public_data


@pytest.mark.parametrize(
    "text",
    ["", "ssh-ed25519", "ssh-ed25519 !!!", "ssh-rsa " + line(ED25519).split()[1], 'from="*" ' + line(ED25519),
     "-----BEGIN OPENSSH PRIVATE KEY-----"],
    ids=["empty", "no key", "no base64", "another algorithm", "options before it", "private"],
)  # fmt: skip
def test_what_is_no_public_key_line_is_refused(text: str) -> None:
    with pytest.raises(BadCredential):
        public_key(text)


async def test_users_are_let_in_by_their_password() -> None:
    fred = User("fred", frozenset({"tenant"}), "bedrock", hash_password("secret"))
    users = Users([fred, User("keyed", public_keys=(ED25519.public_data,))])
    identity = Identity("fred", frozenset({"tenant"}), "bedrock")
    for _ in range(2):  # the second time it is recognised
        assert await users.by_password("fred", "secret") == identity
        assert await users.by_password("fred", "Secret") is None
        assert await users.by_password("fred", "") is None
        assert await users.by_password("wilma", "secret") is None
        assert await users.by_password("keyed", "") is None
        assert await users.by_password("keyed", "secret") is None
        assert await users.by_password("fred", "secret" * 1000) is None
        assert await users.by_password("fred", "\ud800") is None
        assert await users.by_password("", "") is None
    users.close()


async def test_many_who_log_in_at_once_with_the_same_password_cost_one_verification() -> None:
    users = Users([User("fred", password_hash=hash_password("secret"))])
    asked = [users.by_password("fred", "secret") for _ in range(200)] + [users.by_password("fred", "wrong")]
    *right, wrong = await asyncio.gather(*asked)
    assert right == [Identity("fred")] * 200
    assert wrong is None
    users.close()


async def test_one_who_gives_up_does_not_take_the_others_with_him() -> None:
    users = Users([User("fred", password_hash=hash_password("secret"))])
    first = asyncio.ensure_future(users.by_password("fred", "secret"))
    second = asyncio.ensure_future(users.by_password("fred", "secret"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == Identity("fred")
    users.close()


async def test_users_are_let_in_by_their_keys() -> None:
    users = Users([User("fred", public_keys=(ED25519.public_data, ECDSA.public_data)), User("wilma")])
    assert users.by_public_key("fred", ED25519.public_data) == Identity("fred")
    assert users.by_public_key("fred", ECDSA.public_data) == Identity("fred")
    assert users.by_public_key("fred", b"") is None
    assert users.by_public_key("wilma", ED25519.public_data) is None
    assert users.by_public_key("wilma", b"") is None
    assert users.by_public_key("nobody", ED25519.public_data) is None
    assert users.by_public_key("nobody", b"") is None
    users.close()
