"""Every event of the source: its voice, its line with hostile values read back by a strict parser, and its row in docs/logs.md."""

import collections
import json
import re
import subprocess

import pytest

from tests.docs import events

EVENTS = events.events()
NAMES = [e.name for e in EVENTS]

# What a value may be told to hold. Bytes: a C string, and not always UTF-8.
HOSTILE = [
    b"plain",
    b"",
    b"two words",
    b'"',
    b"\\",
    b'\\"',
    b"=",
    b"level=error msg=forged",
    b'" level=error msg="forged',
    b"one\n<3>agent.failed err=forged",
    b"\r\t\x01\x1b[2J\x7f",
    b"\xc2\x85\xc2\x9b2J",
    b"\xff\xfe\xc3",
    b"a\xe2\x80\xaeb",
    b"%s%n%999999d",
    "caf\u00e9 \u2028 \U0001f600".encode(),
    b"x" * 5000,
    b'"' * 5000,
    b"\xf0\x9f\x98\x80" * 1200,
]
LONG = 1000  # from here on a line may be cut
INTEGERS = {
    "d": -(2**31),
    "u": 2**32 - 1,
    "ld": -(2**63),
    "lu": 2**64 - 1,
    "lld": -(2**63),
    "llu": 2**64 - 1,
    "zu": 2**64 - 1,
}

# ---- the voice ----

OTHER_WORDS_FOR_ERR = {
    "error",
    "reason",
    "errmsg",
    "message",
    "msg",
    "cause",
    "problem",
    "rc",
    "errno",
    "failure",
    "exception",
}
# A number of these has a unit. `offset` is a place in a file, `bytes` is its own unit.
NEEDS_UNIT = re.compile(
    r"(?:^|_)(?:size|age|wait|delay|interval|timeout|deadline|took|duration|free|used|len|length|retry_in|in|after)$"
)
UNITS = re.compile(r"_(ms|s|bytes)\b", re.IGNORECASE)
SENTENCES = re.compile(r"\b(?:err_text|err_name|strerror|uv_strerror|curl_easy_strerror)\(")
FAILS = re.compile(r"\.(?:failed|lost|damaged|unread|unreadable|refused|unsigned|wrong|none)$")
# Events whose name sounds like a failure, and which say the reason in another pair.
WITHOUT_ERR = {"tail.refused": "nothing went wrong: a file is not read by rule, and why= names the rule"}
# The same event in more than one place, and why.
TWICE: dict[str, str] = {}


def test_the_source_is_read_as_the_compiler_reads_it():
    assert len(EVENTS) > 80
    calls = [len(events.CALL.findall(p.read_text())) for p in events.sources()]
    assert sum(calls) + 2 == len(EVENTS)  # log.dropped and mem.none are written by log_line
    for e in EVENTS:
        assert e.name and e.format, f"{e.path}:{e.line}: event and format are literals"
        assert e.is_whole or sum(len(p.conversions) for p in events.pairs(e)) == len(e.arguments), e


@pytest.mark.parametrize("event", EVENTS, ids=NAMES)
def test_an_event_speaks_with_our_voice(event):
    assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", event.name)
    pairs = events.pairs(event)
    keys = [p.key for p in pairs]
    assert " ".join(f"{p.key}={p.value}" for p in pairs) == event.format, "one blank between pairs"
    assert all(re.fullmatch(r"[a-z0-9_]+", k) for k in keys)
    assert len(set(keys)) == len(keys), "a key twice"
    assert "cut" not in keys, "it says that a line was cut"
    for p in pairs:
        assert not re.search(r"[\\\x00-\x1f]", p.value), "text of ours needs no escape"
        assert p.value.count('"') in (0, 2) and re.fullmatch(r'[^" =]+|"[^"]+"', p.value), p
        assert p.value != '"%s"', "quotes around a lone %s are set where they are needed"
        assert re.sub(r"%%|" + events.CONVERSION.pattern, "", p.value).count("%") == 0, (
            "a conversion that logfmt.h does not know"
        )


@pytest.mark.parametrize("event", EVENTS, ids=NAMES)
def test_an_error_stands_behind_err_alone(event):
    pairs = events.pairs(event)
    keys = {p.key for p in pairs}
    assert not keys & OTHER_WORDS_FOR_ERR
    for p in pairs:
        assert p.key == "err" or not any(SENTENCES.search(a) for a in p.arguments), f"{p.key}= holds an error"
    if event.level == "error" or FAILS.search(event.name):
        assert "err" in keys or event.name in WITHOUT_ERR


@pytest.mark.parametrize("event", EVENTS, ids=NAMES)
def test_durations_and_sizes_name_their_unit(event):
    for p in events.pairs(event):
        assert not (NEEDS_UNIT.search(p.key) and set(p.conversions) - {"s"}), f"{p.key}= has no unit"
        if p.value.startswith("%") and p.conversions[0] != "s":
            unit = UNITS.findall(p.arguments[0] if p.arguments else "")
            assert not unit or re.search(f"(^|_){unit[-1].lower()}$", p.key), f"{p.key}= is of {p.arguments[0]}"


def test_an_event_has_one_place():
    places = collections.Counter(NAMES)
    assert {n for n, count in places.items() if count > 1} == set(TWICE)
    assert set(WITHOUT_ERR) <= set(NAMES)


# ---- the lines ----

PROGRAM = """
#include <stdio.h>
#include "agent/base/log.h"
static const char *const hostile[] = { %(hostile)s };
static void out(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)level, (void)ctx;
	printf("%%s %%s", event, pairs);
	putchar(0);
}
%(functions)s
static void (*const all[])(const char *h) = { %(names)s };
int main(void)
{
	log_set(LOG_DEBUG, out, NULL);
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (unsigned h = 0; h < sizeof(hostile) / sizeof(hostile[0]); h++)
			all[i](hostile[h]);
}
"""
TYPES = {
    "d": "int",
    "u": "unsigned",
    "ld": "long",
    "lu": "unsigned long",
    "lld": "long long",
    "llu": "unsigned long long",
    "zu": "size_t",
}


def literal(data):
    return '"' + "".join(f"\\{byte:03o}" for byte in data) + '"'


def function(number, event):
    conversions = [c for p in events.pairs(event) for c in p.conversions]
    values = ["h" if c == "s" else f"({TYPES[c]}){INTEGERS[c] % 2**64}u" for c in conversions]
    call = ", ".join(["LOG_INFO", literal(event.name.encode()), literal(event.format.encode()), *values])
    return f"static void e{number}(const char *h) {{ (void)h; log_event({call}); }}\n"


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """What the real code writes: (event, hostile value) and the line, for each of them."""
    folder = tmp_path_factory.mktemp("logs")
    source = PROGRAM % {
        "hostile": ", ".join(literal(h) for h in HOSTILE),
        "functions": "".join(function(i, e) for i, e in enumerate(EVENTS)),
        "names": ", ".join(f"e{i}" for i in range(len(EVENTS))),
    }
    (folder / "all.c").write_text(source)
    subprocess.run(["make", "-s", "build/libreeve.a"], cwd=events.REPO, check=True)
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-I."]
    command = ["gcc", *flags, folder / "all.c", "build/libreeve.a", "-o", folder / "all"]
    subprocess.run(command, cwd=events.REPO, check=True)
    out = subprocess.run([folder / "all"], capture_output=True, check=True).stdout
    written = out.split(b"\0")[:-1]
    of = [(e, h) for e in EVENTS for h in HOSTILE]
    assert len(written) == len(of)
    return list(zip(of, written, strict=True))


KEY = re.compile(r"[a-z0-9_]+")
BARE = re.compile(r'[^\x00-\x20"=\\\x7f-\x9f]+')
QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\["\\nrt]|\\u00[0-9a-f]{2})*"')


def parse(text):
    """Pairs of logfmt, strictly: one blank between them, a value always, quotes where they must be."""
    found, at = [], 0
    while True:
        key = KEY.match(text, at)
        assert key and text[key.end() : key.end() + 1] == "=", f"no key at {at}: {text}"
        value = QUOTED.match(text, key.end() + 1) or BARE.match(text, key.end() + 1)
        assert value, f"no value at {key.end() + 1}: {text}"
        found.append((key[0], json.loads(value[0]) if value[0].startswith('"') else value[0]))
        at = value.end()
        if at == len(text):
            return found
        assert text[at] == " ", f"no blank at {at}: {text}"
        at += 1


def shown(hostile):
    """A value as the reader must get it: what is no text, or turns it around, is `?` byte by byte."""
    text = hostile.decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]", "?", re.sub("[\u202a-\u202e\u2066-\u2069]", "???", text))


def wanted(event, hostile):
    for p in events.pairs(event):
        text = p.value.strip('"')
        yield p.key, events.CONVERSION.sub(lambda c: shown(hostile) if c[1] == "s" else str(INTEGERS[c[1]]), text)


def test_each_line_is_logfmt_and_gives_back_what_was_logged(lines):
    for (event, hostile), line in lines:
        name, _, pairs = line.decode().partition(" ")
        assert name == event.name
        got, want = parse(pairs), list(wanted(event, hostile))
        if len(hostile) < LONG:
            assert got == want, (event, hostile)


def test_a_line_that_is_cut_is_logfmt_and_says_so(lines):
    cut = 0
    for (event, hostile), line in lines:
        assert len(line) < 2304
        got, want = parse(line.decode().partition(" ")[2]), list(wanted(event, hostile))
        if got != want:
            cut += 1
            *whole, (key, value), last = got
            assert last == ("cut", "yes")
            assert whole == want[: len(whole)]
            assert key == want[len(whole)][0] and want[len(whole)][1].startswith(value)
    assert cut > len(EVENTS)


def test_the_parser_takes_no_broken_line():
    for broken in (
        "a",
        "a=",
        'a="',
        'a="x',
        'a=x"',
        "a=x y",
        "a=b=c",
        "a=x  b=y",
        'a="x"y',
        'a="\\x41"',
        "a=x\\",
        "A=x",
        'a="\n"',
    ):
        with pytest.raises(AssertionError):
            parse(broken)


# ---- the page ----


def test_the_page_lists_every_event_with_its_pairs():
    assert events.PAGE.read_text() == events.page(), "`make logs` writes it"
