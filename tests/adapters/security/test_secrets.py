"""One secret, many keys: each purpose has its own, and none tells of another."""

from itertools import combinations

from adapters.security.secrets import Secret, Secrets


def test_a_secret_gives_the_same_key_for_a_purpose_every_time() -> None:
    assert Secret(b"one").key("tokens") == Secret(b"one").key("tokens")
    assert Secret(b"one").mac("tokens", b"x") == Secret(b"one").mac("tokens", b"x")
    assert Secret(b"one").id == Secret(b"one").id


def test_every_purpose_and_every_secret_has_another_key() -> None:
    keys = [Secret(text).key(purpose) for text in (b"one", b"two") for purpose in ("a", "b", "id")]
    assert all(len(key) == 32 for key in keys)
    for one, other in combinations(keys, 2):
        assert one != other


def test_a_mac_is_whole_and_differs_by_secret_purpose_and_message() -> None:
    macs = [
        Secret(text).mac(purpose, message)
        for text in (b"one", b"two")
        for purpose in ("a", "b")
        for message in (b"", b"x", b"y")
    ]
    assert len(set(macs)) == 12
    assert {len(mac) for mac in macs} == {32}


def test_the_name_of_a_secret_fits_its_column_and_tells_nothing_of_it() -> None:
    secret = Secret(b"one")
    assert len(secret.id) == 16
    assert secret.id.isalnum()
    assert secret.id != Secret(b"two").id
    assert b"one".hex() not in secret.id


def test_both_secrets_are_known_by_name_and_no_other_is() -> None:
    secrets = Secrets(b"new", previous=b"old")
    old, new = Secret(b"old"), Secret(b"new")
    assert secrets.current.id == new.id
    assert [secret.id for secret in secrets] == [new.id, old.id]
    found = secrets.get(old.id)
    assert found is not None
    assert found.key("tokens") == old.key("tokens")
    assert secrets.get(Secret(b"other").id) is None
    assert Secrets(b"new").get(old.id) is None


def test_a_secret_that_is_its_own_predecessor_is_known_once() -> None:
    assert len(list(Secrets(b"one", previous=b"one"))) == 1
