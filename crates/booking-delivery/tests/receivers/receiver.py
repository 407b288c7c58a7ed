"""A receiver of webhooks, as anybody would write one with the reference library: receiver.py SECRET.

Prints its port. Answers 204 to what the library takes for genuine, and 400 to the rest.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

WEBHOOK = Webhook(sys.argv[1])


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            message = WEBHOOK.verify(body, dict(self.headers.items()))
            status = 204 if message["type"] and message["timestamp"] and message["data"] else 400
        except WebhookVerificationError as error:
            print(error, file=sys.stderr)
            status = 400
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


with HTTPServer(("127.0.0.1", 0), Receiver) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
