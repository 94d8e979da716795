"""A name server on 127.0.0.1 that knows a few TXT records, spoken in the packets of dnspython itself."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rrset
from dns.rdatatype import TXT


@contextmanager
def serving(records: Mapping[str, list[str]], rcode: int | None = None) -> Iterator[str]:
    """Its `address:port` for the time of a block; every other name does not exist.

    Args:
        rcode: answer everything with this instead.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as desk:
        desk.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_answer, args=(desk, records, rcode), daemon=True)
        thread.start()
        host, port = desk.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ender:
                ender.sendto(b"", (host, port))
            thread.join()


def _answer(desk: socket.socket, records: Mapping[str, list[str]], rcode: int | None) -> None:
    while True:
        packet, asker = desk.recvfrom(4096)
        if not packet:
            return
        query = dns.message.from_wire(packet)
        answer = dns.message.make_response(query)
        name = query.question[0].name.to_text(omit_final_dot=True)
        texts = records.get(name)
        if rcode is not None or texts is None:
            answer.set_rcode(dns.rcode.Rcode(rcode if rcode is not None else dns.rcode.NXDOMAIN))
        elif texts:
            quoted = [" ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200)) for text in texts]
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", TXT, *quoted))
        desk.sendto(answer.to_wire(), asker)
