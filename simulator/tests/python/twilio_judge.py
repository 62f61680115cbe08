"""Twilio's own Python package as a judge of the simulator: its client creates, fetches, updates and lists calls, and its
RequestValidator checks the signatures of what the simulator sends.

Protocol: writes {"port": …} when its web server listens, then reads one line of JSON with the settings of the run, and
writes a line for each check; exit status 0 if all passed.
"""

import base64
import hashlib
import json
import sys
import threading
import time
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

SEEN = []
SETTINGS = {}


def say(**line):
    print(json.dumps(line), flush=True)


class Server(BaseHTTPRequestHandler):
    """What is behind the public origin: takes callbacks and media sockets, and lets the validator judge each."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        form = parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True)
        url = SETTINGS["public"] + self.path
        signature = self.headers.get("X-Twilio-Signature", "")
        valid = RequestValidator(SETTINGS["token"]).validate(url, dict(form), signature)
        SEEN.append({"kind": "callback", "path": self.path, "form": dict(form), "valid": valid})
        self.send_response(204 if valid else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        url = SETTINGS["public"].replace("https://", "wss://") + self.path
        signature = self.headers.get("X-Twilio-Signature", "")
        valid = RequestValidator(SETTINGS["token"]).validate(url, {}, signature)
        SEEN.append({"kind": "upgrade", "path": self.path, "valid": valid, "host": self.headers.get("Host")})
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        # Close with code 1000 at once: the stream ends, and with it the call.
        self.wfile.write(b"\x88\x02\x03\xe8")
        self.wfile.flush()
        self.close_connection = True
        while self.rfile.read(1):
            pass

    def log_message(self, *_):
        pass


class Rewriting(TwilioHttpClient):
    """Sends to the simulator what is meant for api.twilio.com."""

    def request(self, method, url, *arguments, **keywords):
        return super().request(method, url.replace("https://api.twilio.com", SETTINGS["api"]), *arguments, **keywords)


def wait_for(what, condition):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"in 20 s there was no {what}; seen: {SEEN}")


def check(name, passed, detail=None):
    say(check=name, passed=bool(passed), detail=detail)
    if not passed:
        sys.exit(1)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(port=server.server_port)
    SETTINGS.update(json.loads(sys.stdin.readline()))
    client = Client(SETTINGS["sid"], SETTINGS["token"], http_client=Rewriting())
    origin = SETTINGS["public"]
    stream = origin.replace("https://", "wss://") + "/media"
    twiml = (
        f'<Response><Connect><Stream url="{stream}">'
        '<Parameter name="token" value="a &amp; b"/></Stream></Connect></Response>'
    )
    arguments = {
        "from_": "+14155550199",
        "twiml": twiml,
        "status_callback": origin + "/status/attempt-1?a=1&b=2",
        "status_callback_event": ["initiated", "ringing", "answered", "completed"],
        "timeout": 20,
    }

    call = client.calls.create(to=SETTINGS["answers"], **arguments)
    check("create", call.sid.startswith("CA") and call.status == "queued" and call.queue_time == "0", call.status)
    check("dates", call.date_created.year >= 2024 and call.price is None)
    ended = wait_for("completed call", lambda: (c := client.calls(call.sid).fetch()).status == "completed" and c)
    check("fetch", ended.duration is not None and ended.end_time >= ended.start_time)
    wait_for("last callback", lambda: any(s.get("form", {}).get("CallStatus") == "completed" for s in SEEN))
    callbacks = [s for s in SEEN if s["kind"] == "callback"]
    check("callbacks are signed", callbacks and all(s["valid"] for s in callbacks), callbacks)
    statuses = [s["form"]["CallStatus"] for s in callbacks]
    check("callbacks in order", statuses == ["initiated", "ringing", "in-progress", "completed"], statuses)
    numbers = [s["form"]["SequenceNumber"] for s in callbacks]
    check("callbacks are numbered", numbers == ["0", "1", "2", "3"], numbers)
    upgrades = [s for s in SEEN if s["kind"] == "upgrade"]
    check("the upgrade is signed", len(upgrades) == 1 and upgrades[0]["valid"], upgrades)
    check("a foreign Host", upgrades[0]["host"] not in origin)

    ringing = client.calls.create(to=SETTINGS["rings"], **arguments)
    wait_for("ringing", lambda: client.calls(ringing.sid).fetch().status == "ringing")
    client.calls(ringing.sid).update(status="canceled")
    wait_for("canceled call", lambda: client.calls(ringing.sid).fetch().status == "canceled")
    check("cancel", True)
    try:
        client.calls(ringing.sid).update(status="completed")
        check("update of an ended call", False)
    except TwilioRestException as error:
        check("update of an ended call", error.code == 21220 and error.status == 400, str(error))
    try:
        client.calls("CA" + "0" * 32).fetch()
        check("unknown call", False)
    except TwilioRestException as error:
        check("unknown call", error.code == 20404 and error.status == 404, str(error))
    try:
        client.calls.create(to="911", **arguments)
        check("wrong number", False)
    except TwilioRestException as error:
        check("wrong number", error.code == 21211, str(error))
    try:
        Client(SETTINGS["sid"], "not the token", http_client=Rewriting()).calls(call.sid).fetch()
        check("wrong key", False)
    except TwilioRestException as error:
        check("wrong key", error.status == 401 and error.code == 20003, str(error))

    for _ in range(3):
        client.calls.create(to=SETTINGS["busy"], **arguments)
    wait_for("busy calls", lambda: len(client.calls.list(status="busy")) == 3)
    check("list by number", len(client.calls.list(to=SETTINGS["busy"])) == 3)
    check("list in pages", len(client.calls.list(page_size=2)) == 5)
    check("list with a limit", len(client.calls.list(limit=1)) == 1)
    check("list by day", len(client.calls.list(start_time=date.today())) == 5)
    check("list of days to come", not client.calls.list(start_time_after=date(2999, 1, 1)))


main()
