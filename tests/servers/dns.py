"""A name server with a few records on a loopback port, and a resolver that asks it."""

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset


class NameServer:
    """`with NameServer({("_imaps._tcp.example.test", "SRV"): ["0 1 993 mail.example.test."]}) as server:`.

    Names that it does not know do not exist; `silent` answers nothing at all. `asked` has every question.
    """

    def __init__(self, records: dict[tuple[str, str], list[str]], *, silent: bool = False) -> None:
        self.records, self.silent = records, silent
        self.asked: list[str] = []

    def __enter__(self) -> "NameServer":
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def resolver(self) -> dns.resolver.Resolver:
        """Asks only this server."""
        found = dns.resolver.Resolver(configure=False)
        found.nameservers, found.port = ["127.0.0.1"], self._socket.getsockname()[1]
        return found

    def _serve(self) -> None:
        while True:
            try:
                data, client = self._socket.recvfrom(4096)
                if not self.silent:
                    self._socket.sendto(self._answer(dns.message.from_wire(data)), client)
            except OSError:
                return

    def _answer(self, query: dns.message.Message) -> bytes:
        [question] = query.question
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{kind} {name}")
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        found = self.records.get((name, kind))
        if found is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        return response.to_wire()
