"""Prints requests signed by Twilio's own package, one JSON object a line, each with the package's verdict."""

import json
import random
import sys
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator


class Fields(dict):
    """A form whose keys may come more than once, as web frameworks hand it to the package."""

    def getlist(self, name):
        return self[name]


def text(source, longest):
    letters = "abcXYZ019 +&=%~-_.\t\"'<>/?#éåहँ字😀"
    return "".join(source.choice(letters) for _ in range(source.randrange(longest)))


# The fields of each webhook, after Twilio's pages.
CALL = ["CallSid", "AccountSid", "From", "To", "Caller", "Called", "CallStatus", "ApiVersion", "Direction"]
WEBHOOKS = {
    "/twilio/status/1": CALL + ["Timestamp", "SequenceNumber", "CallbackSource", "CallDuration", "SipResponseCode"],
    "/twilio/amd/1": ["CallSid", "AccountSid", "AnsweredBy", "MachineDetectionDuration"],
    "/twilio/stream/1": ["CallSid", "AccountSid", "StreamSid", "StreamName", "StreamEvent", "StreamError", "Timestamp"],
    "/twilio/voice": CALL + ["CallerCity", "CallerCountry", "ForwardedFrom", "StirVerstat"],
    "/twilio/voice/key": CALL + ["Digits", "FinishedOnKey", "msg"],
}


def webhook(source, path):
    """The form of one of the webhooks: most of its fields in any order, perhaps one that nobody knows."""
    names = [name for name in WEBHOOKS[path] if source.random() < 0.9] + source.choice([[], ["Новое"], ["New[]"]])
    source.shuffle(names)
    pairs = [(name, text(source, 16)) for name in names]
    return pairs, Fields((name, [value]) for name, value in pairs)


def form(source):
    pairs = [
        (source.choice(["CallSid", "callsid", "To", "From", "Digits", "", text(source, 6)]), text(source, 12))
        for _ in range(source.randrange(9))
    ]
    fields = Fields()
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return pairs, fields


def request(source):
    keys = [text(source, 20) + "k" for _ in range(2)]
    signer = RequestValidator(source.choice(keys))
    port = source.choice(["", "", ":443", ":8443"])
    origin = "https://voice.example.org" + port
    prefix = source.choice(["", "", "/calls"])
    path = source.choice(["/twilio/media", "/a%20b/%E0%A4%B9", *WEBHOOKS])
    query = source.choice(["", "", "?a=1&b=%2B", "?foo=bar&foo=baz"])
    kind = source.choice(["form", "form", "nothing", "raw", "upgrade"])
    algorithm = source.choice([None, None, "HMAC_SHA1", "HMAC_SHA256"])
    case = {"keys": keys, "public_url": origin + prefix, "kind": kind, "body": ""}
    case["settings"] = algorithm and "key=one,algorithm=" + algorithm
    signed_port = source.choice(["", port or ":443"])
    base = "https://voice.example.org" + signed_port + prefix
    params = {}
    if kind == "form":
        pairs, params = webhook(source, path) if path in WEBHOOKS and source.random() < 0.7 else form(source)
        case["body"] = urlencode(pairs)
    elif kind == "raw":
        case["body"] = text(source, 40)
        query = "?bodySHA256=" + signer.compute_hash(case["body"])
    if kind == "upgrade":
        query = ""
        base = base.replace("https", "wss")
        signed = base + path + source.choice(["", "/"])
    else:
        signed = base + path + query
    signature = signer.compute_signature(signed, params, algorithm)
    case["path_and_query"] = path + query
    if source.random() < 0.3:
        wrong = source.choice(["key", "url", "digest", "body"])
        if wrong == "key":
            signature = RequestValidator("another").compute_signature(signed, params, algorithm)
        elif wrong == "url":
            case["path_and_query"] = "/other" + query
        elif wrong == "digest":
            signature = signature[::-1]
        elif kind == "form":
            case["body"] = case["body"] + "&Digits=7"
            params.setdefault("Digits", []).append("7")
        else:
            case["body"] = case["body"] + "x"
    case["signature"] = signature
    url = origin + prefix + case["path_and_query"]
    content = case["body"] if kind == "raw" else params
    if kind == "upgrade":
        # The package leaves scheme and slash of an upgrade to its caller, and knows no default port of wss.
        urls = [
            base.replace(signed_port, spelling) if signed_port else base.replace(".org", ".org" + spelling)
            for spelling in {"", signed_port, port or ":443"}
        ]
        urls = [each + case["path_and_query"] + slash for each in urls for slash in ("", "/")]
        case["valid"] = any(
            RequestValidator(key).compute_signature(each, {}, algorithm) == signature for key in keys for each in urls
        )
    else:
        case["valid"] = any(RequestValidator(key).validate(url, content, signature, algorithm) for key in keys)
    return case


def main(seed, count):
    source = random.Random(seed)
    for _ in range(count):
        print(json.dumps(request(source)))


main(int(sys.argv[1]), int(sys.argv[2]))
