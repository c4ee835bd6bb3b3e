"""Receives webhooks and verifies each with PyPI's `standardwebhooks`, unchanged. Prints the name of each event."""

import http.server
import json
import sys
import threading

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

# The secrets come on standard input, one a line, when the market has shown them.
secrets: list[str] = []


def verdict(secret: str, body: str, headers: dict[str, str]) -> str:
    try:
        Webhook(secret).verify(body, headers)
        return "good"
    except WebhookVerificationError as error:
        return type(error).__name__


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        verdicts = [verdict(secret, body, headers) for secret in secrets]
        forged = "accepted" if verdict(secrets[0], body.replace("event", "evnet"), headers) == "good" else "refused"
        # One write, because several messages may arrive at once.
        sys.stdout.write(json.dumps({"event": json.loads(body)["event"], "verdicts": verdicts, "forged": forged}) + "\n")
        sys.stdout.flush()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def read_secrets() -> None:
    for line in sys.stdin:
        secrets.append(line.strip())


threading.Thread(target=read_secrets, daemon=True).start()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}/hook"}), flush=True)
server.serve_forever()
