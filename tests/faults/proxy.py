"""A TCP proxy that cuts connections: after so many bytes of either side, in the middle of a word or of a literal."""

import contextlib
import selectors
import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)


class CuttingProxy:
    """Passes bytes between clients and one server. ``budget()`` is asked for each connection: how many bytes it may
    carry in both directions before it is cut, None for no limit.
    """

    def __init__(self, port, budget):
        self._to, self._budget = port, budget
        self.cuts = self.connections = 0
        self._stop = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._stop.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _serve(self):
        while not self._stop.is_set():
            try:
                client, _address = self._server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._carry, args=(client, self._budget()), daemon=True).start()

    def _carry(self, client, left):
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._to)) as server:
            other = {client: server, server: client}
            with selectors.DefaultSelector() as ready:
                for side in other:
                    ready.register(side, selectors.EVENT_READ)
                while not self._stop.is_set():
                    for key, _events in ready.select(0.2):
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        if left is not None and len(data) >= left:
                            other[key.fileobj].sendall(data[:left])
                            self.cuts += 1
                            for side in other:
                                # A reset, as a broken line or a restarted firewall sends it.
                                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                            return
                        other[key.fileobj].sendall(data)
                        left = None if left is None else left - len(data)
