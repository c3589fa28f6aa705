"""The entries of the guestbook, as JSON."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ENTRIES = Path(__file__).with_name("entries.txt").read_text(encoding="utf-8").splitlines()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/health":
            self.answer(b"ok\n", "text/plain")
        elif self.path == "/entries":
            self.answer(json.dumps(ENTRIES).encode(), "application/json")
        else:
            self.send_error(404)

    def answer(self, body, content_type):
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-"):
        if self.path != "/health":
            super().log_request(code, size)


def main():
    server = ThreadingHTTPServer(("", int(os.environ.get("PORT", "9000"))), Handler)
    # shutdown() waits for serve_forever(), which runs in this thread: another one has to call it.
    stop = lambda *_: threading.Thread(target=server.shutdown).start()
    signal.signal(signal.SIGTERM, stop)
    print(f"api listens on {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
