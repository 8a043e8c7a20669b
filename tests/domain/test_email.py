"""Which texts are e-mail addresses, and which of them are the same one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.email import EMAIL_MAX, EMAIL_PATTERN, LOCAL_PART_MAX, address
from domain.errors import InvalidValue

LABEL = "d" * 63
TRICKY = st.sampled_from(
    "aAzk09.-+_ @\u00fc\u00dc\u00df\u0130\u0131\u017f\u212a\uff21\uff0e\uff20\u3002\u4f8b"
)
LONGEST_HOST = f"{LABEL}.{LABEL}.{'d' * 61}"  # beside a local part of 64 characters


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("anna@example.com", "anna@example.com"),
        ("  Anna@Example.COM\t\r\n", "anna@example.com"),
        ("\u00a0\u3000anna@example.com\u2003", "anna@example.com"),
        ("a@b.co", "a@b.co"),
        ("a.b.c@d.e.f.example", "a.b.c@d.e.f.example"),
        ("anna+tag@example.com", "anna+tag@example.com"),
        ("!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"),
        ("1@1.2.example", "1@1.2.example"),
        ("anna@example.c0m", "anna@example.c0m"),
        ("anna@b\u00fccher.example", "anna@xn--bcher-kva.example"),
        ("anna@B\u00dcCHER.example", "anna@xn--bcher-kva.example"),
        ("anna@bu\u0308cher.example", "anna@xn--bcher-kva.example"),
        ("anna@XN--BCHER-KVA.example", "anna@xn--bcher-kva.example"),
        ("anna@例え.テスト", "anna@xn--r8jz45g.xn--zckzah"),
        ("anna@例え。テスト", "anna@xn--r8jz45g.xn--zckzah"),
        ("anna@\uff45xample\uff0ecom", "anna@example.com"),
        ("anna@\u212aelvin.example", "anna@kelvin.example"),
        ("anna@xn--strae-oqa.example", "anna@xn--strae-oqa.example"),
    ],
)
def test_an_address_has_one_canonical_form(written: str, canonical: str) -> None:
    assert address(written) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "anna",
        "@",
        "anna@",
        "@example.com",
        "anna@example",
        "anna@example.",
        "anna@.com",
        "anna@example..com",
        "anna@example.com.",
        "anna@-example.com",
        "anna@example-.com",
        "anna@exa_mple.com",
        "anna@127.0.0.1",
        "anna@example.123",
        "anna@[127.0.0.1]",
        "anna@[IPv6:::1]",
        ".anna@example.com",
        "anna.@example.com",
        "an..na@example.com",
        "an na@example.com",
        "anna@exam ple.com",
        "anna @example.com",
        "anna@ example.com",
        '"anna"@example.com',
        "anna(comment)@example.com",
        "Anna <anna@example.com>",
        "anna@example.com,bert@example.com",
        "anna@bert@example.com",
        "anna\r\nBcc: bert@example.com",
        "an\x00na@example.com",
        "anna@exam\x00ple.com",
        "anna@example.com\x00",
        "an\ud800na@example.com",
        "anna@\udfff.example",
        "mailto:anna@example.com",
        "anna@example.com/..",
        "anna@example\u2100.com",
    ],
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        address(text, field="body.email")
    assert refused.value.details == {
        "errors": [
            {
                "field": "body.email",
                "code": "email_invalid",
                "message": "This is not a valid e-mail address.",
            }
        ]
    }


@pytest.mark.parametrize(
    "look_alike",
    [
        "quac\u212a@example.com",  # KELVIN SIGN, which lower() makes a k
        "QUAC\u212a@EXAMPLE.COM",
        "qu\u0430ck@example.com",  # Cyrillic a
        "\uff51uack@example.com",  # fullwidth q
        "qu\u0131ck@example.com",  # dotless i
        "QU\u0130CK@example.com",  # I with a dot
        "qua\u200bck@example.com",  # ZERO WIDTH SPACE
        "quack\uff20example.com",  # fullwidth @
        "quack\ufe6bexample.com",  # small @
        "quack@example\uff20evil.com",
        "quack@example.com\uff20evil.com",
        "\u00fc@example.com",
    ],
)
def test_look_alikes_of_another_alphabet_do_not_pass(look_alike: str) -> None:
    with pytest.raises(InvalidValue):
        address(look_alike)


@pytest.mark.parametrize("domain", ["stra\u00dfe.example", "\u03c2.example", "STRA\u1e9eE.example"])
@pytest.mark.parametrize("joiner", ["", "\u200c", "\u200d"])
def test_a_domain_that_two_standards_read_differently_is_refused(domain: str, joiner: str) -> None:
    if domain.startswith("STRA") and not joiner:
        # The capital sharp s is ss by both standards, so there is one reading.
        assert address(f"anna@{domain}") == "anna@strasse.example"
        return
    with pytest.raises(InvalidValue):
        address(f"anna@{joiner}{domain}")


@pytest.mark.parametrize(
    "longest",
    [
        "a" * LOCAL_PART_MAX + "@example.com",
        "a@" + LABEL + ".com",
        "a" * LOCAL_PART_MAX + "@" + LONGEST_HOST,
    ],
)
def test_an_address_may_be_as_long_as_mail_allows_and_no_longer(longest: str) -> None:
    assert address(longest) == longest
    with pytest.raises(InvalidValue):
        address(longest.replace("@", "a@") if longest.startswith("aa") else "a@d" + longest[2:])


def test_the_longest_address_counts_the_domain_in_its_ascii_form() -> None:
    host = ".".join(["\u00fc" * 20] * 6)
    assert len(f"a@{host}.example") < EMAIL_MAX
    assert len(address(f"a@{host}.example")) <= EMAIL_MAX
    host = ".".join(["\u00fc\u4f8b\u3048" * 6] * 9)
    assert len(f"a@{host}.example") < EMAIL_MAX
    with pytest.raises(InvalidValue):
        address(f"a@{host}.example")


def test_a_very_long_text_is_refused_without_being_converted() -> None:
    with pytest.raises(InvalidValue):
        address("a@" + "\u00fc." * 500_000 + "example")


@given(st.from_regex(EMAIL_PATTERN, fullmatch=True))
def test_what_generated_clients_send_is_accepted_and_canonical_for_good(text: str) -> None:
    canonical = address(text)
    assert canonical == text.strip().lower()
    assert address(canonical) == canonical


@given(st.text(TRICKY, min_size=1, max_size=12))
def test_whatever_the_domain_a_canonical_address_is_ascii_lower_case_and_stays(label: str) -> None:
    try:
        canonical = address(f"Anna@{label}.Example")
    except InvalidValue:
        return
    assert re.fullmatch(r"anna@[a-z0-9.-]+\.example", canonical)
    assert address(canonical) == canonical
    assert address(canonical.upper()) == canonical


@given(st.text(TRICKY, max_size=6))
def test_a_local_part_is_what_was_written_or_nothing(text: str) -> None:
    try:
        canonical = address(f"{text}@example.com")
    except InvalidValue:
        return
    written = text.lstrip()
    assert written.isascii()
    assert canonical == f"{written.lower()}@example.com"


@pytest.mark.parametrize("local", ["=?utf-8?q?a?=", "x=?us-ascii?b?YQ==?=", "=?utf-8?q??="])
def test_what_a_mails_header_would_turn_into_another_address_is_refused(local: str) -> None:
    with pytest.raises(InvalidValue):
        address(f"{local}@example.com")
