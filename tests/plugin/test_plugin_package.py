"""The plugin's zip: the same bytes each time, translated, with the operator's address in it."""

import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from babel.messages.mofile import read_mo

from connectors.storefronts.woocommerce.plugin.package import SOURCE, package
from tests.plugin.plugin_php import Site

SERVER = "https://ritorno.example"
ITALIAN = "languages/ritorno-it_IT.mo"


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The plugin as WordPress unpacks it."""
    package(tmp_path / "plugin.zip", SERVER)
    with ZipFile(tmp_path / "plugin.zip") as packed:
        packed.extractall(tmp_path)
    return tmp_path / "ritorno"


def test_the_zip_is_the_same_wherever_it_is_made(tmp_path: Path) -> None:
    package(tmp_path / "a.zip", SERVER)
    again = [sys.executable, "-m", "connectors.storefronts.woocommerce.plugin.package"]

    subprocess.run([*again, str(tmp_path / "b.zip"), SERVER], check=True, env={"TZ": "Asia/Tokyo"})

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with ZipFile(tmp_path / "a.zip") as packed:
        names = {entry.filename for entry in packed.infolist()}
        assert {entry.date_time for entry in packed.infolist()} == {(2026, 1, 1, 0, 0, 0)}
    ours = {f"ritorno/{path.relative_to(SOURCE).as_posix()}" for path in SOURCE.rglob("*.*")}
    assert names == ours | {f"ritorno/{ITALIAN}"}


def test_the_operators_address_outranks_what_is_typed(unpacked: Path) -> None:
    site = Site(settings={"server": "https://elsewhere.example"}, plugin=unpacked)
    nonce = {"_wpnonce": "nonce of ritorno_connect"}

    happened = site.run(("post", {"action": "ritorno_connect", "posted": nonce}))

    assert happened.ended is not None
    assert happened.ended.startswith(f"to {SERVER}/app/?store=")


@pytest.mark.parametrize("address", ["http://ritorno.example", "https://a'; evil();//", "ritorno.example"])
def test_an_address_that_could_break_the_plugin_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="not an https address"):
        package(tmp_path / "plugin.zip", address)


def test_every_text_is_translated_and_none_is_left_over(unpacked: Path) -> None:
    code = "\n".join(path.read_text() for path in SOURCE.rglob("*.php"))
    used = re.findall(r"__\( '([^']+)', 'ritorno' \)", code)

    with (unpacked / ITALIAN).open("rb") as compiled:
        texts = {str(message.id): str(message.string) for message in read_mo(compiled) if message.id}

    assert len(used) == code.count("__( ")
    assert texts.keys() == set(used)
    assert all(texts.values())
    assert {text for text in texts if text.count("%s") != texts[text].count("%s")} == set()


def test_the_version_is_the_same_everywhere() -> None:
    header = re.search(r"^ \* Version: +(\S+)$", (SOURCE / "ritorno.php").read_text(), re.MULTILINE)
    tag = re.search(r"^Stable tag: (\S+)$", (SOURCE / "readme.txt").read_text(), re.MULTILINE)

    assert header is not None
    assert tag is not None
    assert header[1] == tag[1]
