"""Packs the plugin as a zip whose bytes are the same wherever and whenever it is made.

Run as `python -m connectors.storefronts.woocommerce.plugin.package <zip> [<address of the server>]`.
"""

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE = Path(__file__).parent / "ritorno"
SERVER_FILE = "server.php"
_SERVER = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*")
_MADE_AT = (2026, 1, 1, 0, 0, 0)
_READABLE = 0o100644
_UNIX = 3


def package(target: Path, server: str = "") -> None:
    """Write the zip.

    Args:
        server: the https address of the Ritorno that shops connect to; "" lets the merchant type it.

    Raises:
        ValueError: the address is not one that could stand in the plugin.
    """
    address = server.rstrip("/")
    if address and not _SERVER.fullmatch(address):
        raise ValueError(f"not an https address in lower case: {server}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(target, "w", ZIP_STORED) as packed:
        for name, content in sorted(_files(address)):
            entry = ZipInfo(f"{SOURCE.name}/{name}", _MADE_AT)
            entry.create_system, entry.external_attr = _UNIX, _READABLE << 16
            packed.writestr(entry, content)


def _files(server: str) -> Iterator[tuple[str, bytes]]:
    for path in SOURCE.rglob("*.*"):
        name, content = path.relative_to(SOURCE).as_posix(), path.read_bytes()
        if name == SERVER_FILE:
            content = content.replace(b"return '';", f"return '{server}';".encode())
        yield name, content
        if path.suffix == ".po":
            yield name.removesuffix(".po") + ".mo", _compiled(content)


def _compiled(translation: bytes) -> bytes:
    """The form of a translation that WordPress reads."""
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(translation)))
    return compiled.getvalue()


if __name__ == "__main__":
    package(Path(sys.argv[1]), *sys.argv[2:3])
