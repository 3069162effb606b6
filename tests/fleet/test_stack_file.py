"""The file itself: what is no file, no text or no YAML is refused in one line, and what YAML readers disagree on is text."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from fleet import InputError, Settings, stack_yaml
from fleet.plain_values import MOST_VALUES
from fleet.stack_file import parse, read, stack_of, stack_path
from tests.support.stack_files import PROJECT, SHIPPED, small

pytestmark = pytest.mark.pure

HEAD = "config:\n  vllm-fleet:fleet:\n"
SMALLEST = HEAD + "    name: a\n    clusters: {gcp: {cloud: gcp, region: us-central1, project: acme-test}}\n    models: {chat: {tier: small}}\n"


def _refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read(path)
    message = str(refused.value)
    assert "\n" not in message, f"one line: {message}"
    return message


def _file(folder: Path, text: str | bytes) -> Path:
    path = folder / "Pulumi.test.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("just words", "has no key vllm-fleet:fleet"),
        ("- a\n- list\n", "has no key vllm-fleet:fleet"),
        ("config:\n  aws:region: us-east-1\n", "found under config: aws:region"),
        ("config: []\n", "found under config: nothing"),
        ("config:\n  vllm-fleet:flet: {}\n", "found under config: vllm-fleet:flet"),
        (SMALLEST + "  vllm-fleet:budget: {}\n", "config.vllm-fleet:budget: 'vllm-fleet:budget' refused: nothing reads this key"),
        ("config: {a: b\n", "is not YAML at line 2, column 1"),
        ("config:\n\tkey: value\n", "indent with spaces, never with tabs"),
        ("config: a: b\n", "put text with a colon in quotes"),
        ("a: 1\n---\nb: 2\n", "write one document"),
        ("a: 1\na: 2\n", "the key 'a' is written twice"),
        (HEAD + "    name: a\n    name: b\n", "at line 4, column 5: the key 'name' is written twice"),
        ("? [a, b]\n: c\n", "a list or a mapping cannot be a key"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "merge keys (<<) are not read"),
        ("a: *nobody\n", "found undefined alias"),
        ("a: !!python/object/apply:os.system [echo]\n", "could not determine a constructor for the tag"),
        ("a: !vault x\n", "could not determine a constructor for the tag"),
        ("a: \x07\n", "special characters are not allowed"),
        ("a: " + "9" * 5000, "a number of thousands of digits"),
        ("a: " + "[" * 200, "column 22: nested more than 20 levels"),
        (b"\xff\xfe\x00", "is not UTF-8 text: byte 0xff in line 1"),
        ("name: ümlaut\n".encode("latin-1"), "is not UTF-8 text: byte 0xfc in line 1"),
        ("a: b\n" * 300_000, "larger than 500,000 bytes"),
    ],
    ids=range(25),
)
def test_what_is_no_stack_file_is_refused_in_one_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    assert words in _refusal(_file(tmp_path, text)), "it says why, or what to do"


def test_a_missing_file_a_directory_and_the_project_file_are_refused_in_one_line(tmp_path: Path) -> None:
    assert "No such file" in _refusal(tmp_path / "absent.yaml"), "it is not there"
    assert "Is a directory" in _refusal(tmp_path), "it is no file"
    assert "null byte" in _refusal(Path("a\0b")), "no file can have this name"
    assert "project file of Pulumi" in _refusal(PROJECT / "Pulumi.yaml"), "it is the wrong one of the two"


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    assert "larger than" in _refusal(Path("/dev/zero")), "somebody typed the wrong path"


def test_a_pipe_is_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(SMALLEST,))
    writer.start()
    assert read(path).name == "a", "shells make them: --file <(helm template …)"
    writer.join()


def test_a_few_lines_that_stand_for_billions_of_values_are_refused(tmp_path: Path) -> None:
    lines = ["    a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"    a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
    message = _refusal(_file(tmp_path, HEAD + "\n".join(lines)))
    assert f"{MOST_VALUES:,}" in message, "it says how many there may be"


def test_aliases_of_ordinary_size_are_read(tmp_path: Path) -> None:
    text = SMALLEST.replace("{chat: {tier: small}}", "{chat: &chat {tier: small}, other: *chat}")
    assert set(read(_file(tmp_path, text)).models) == {"chat", "other"}, "one value in two places"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", "True"),
        ("true", True),
        ("2020-01-01", "2020-01-01"),
        ("1:30", "1:30"),
        ("0777", "0777"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("12", 12),
        ("-3", -3),
        (".inf", ".inf"),
        ("~", None),
        ("", None),
    ],
)
def test_what_two_yaml_readers_would_read_differently_is_text(tmp_path: Path, text: str, value: object) -> None:
    found = stack_yaml.load(_file(tmp_path, f"a: {text}\n"))
    assert found == {"a": value}, "the engine reads the same file with another reader"
    assert type(found["a"]) is type(value), "1 and true are equal in Python"  # pyright: ignore[reportIndexIssue]


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert read(_file(tmp_path, b"\xef\xbb\xbf" + SMALLEST.encode())).name == "a", "some editors write one"


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_shipped_stack_files_are_read(stack: str) -> None:
    assert isinstance(read(PROJECT / f"Pulumi.{stack}.yaml"), Settings), "they are the first thing anybody tries"


def test_an_unknown_stack_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"--stack: 'prd' refused: there is no file Pulumi.prd.yaml here; did you mean 'prod'"):
        stack_path(PROJECT, "prd")
    with pytest.raises(InputError, match="there is no file"):
        stack_path(PROJECT / "docs", "../../Pulumi.prod")


def test_the_name_of_a_stack_may_have_dots(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.eu.prod.yaml").write_text(SMALLEST, encoding="utf-8")
    assert stack_of(stack_path(tmp_path, "eu.prod")) == "eu.prod", "Pulumi allows them"


def test_settings_are_frozen_once_read() -> None:
    settings = parse(small())
    with pytest.raises(ValueError, match="frozen"):
        settings.name = "other"  # pyright: ignore[reportAttributeAccessIssue]
