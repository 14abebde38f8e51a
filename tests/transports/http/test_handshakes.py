"""The end of a listener loses nobody: who is connected is served, and who is not is refused before anything is sent."""

import errno
import select
import socket
import sys

import pytest

from support.processes import SECONDS
from wemasy_mcp.transports.http.handshakes import begin_no_more

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has socket filters")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_who_comes_late_is_refused_and_who_waits_is_served(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        address = listener.getsockname()[:2]
        with socket.create_connection(address, SECONDS) as early, socket.socket(family) as late:
            begin_no_more(listener)
            late.setblocking(False)
            late.connect_ex(address)
            early.sendall(b"before")
            accepted, _ = listener.accept()
            with accepted:
                early.sendall(b" and after")
                assert accepted.recv(6) + accepted.recv(10, socket.MSG_WAITALL) == b"before and after"
                accepted.sendall(b"answer")
                assert early.recv(6) == b"answer"

            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()
            listener.close()
            assert select.select([], [late], [], SECONDS)[1]
            assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_a_sandbox_without_socket_filters_does_not_hinder_the_stop() -> None:
    class Listener(socket.socket):
        def setsockopt(self, *options: object) -> None:
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")

    with Listener() as listener:
        begin_no_more(listener)
