# SPDX-License-Identifier: Apache-2.0
"""As much of AWS as our programs speak to: the metadata of an instance, and Auto Scaling, which checks every signature."""

import datetime
import hashlib
import hmac
import http.server
import threading
import urllib.parse
import uuid

REGION = "eu-test-1"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def fault_of(method, path, headers, body, keys):
    """What is wrong with a request by the rules of Signature Version 4; None if nothing is."""
    scheme, _, rest = (headers.get("Authorization") or "").partition(" ")
    parts = dict(p.strip().split("=", 1) for p in rest.split(",") if "=" in p)
    if scheme != "AWS4-HMAC-SHA256" or set(parts) != {"Credential", "SignedHeaders", "Signature"}:
        return "no signature"
    key_id, day, region, service, end = parts["Credential"].split("/")
    if key_id not in keys or (region, service, end) != (REGION, "autoscaling", "aws4_request"):
        return "the scope is " + parts["Credential"]
    secret, token = keys[key_id]
    stamp = headers.get("X-Amz-Date") or ""
    at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if abs((datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()) > 300 or day != stamp[:8]:
        return "the date is " + stamp
    if headers.get("X-Amz-Security-Token") != token:
        return "the session's token is wrong"
    signed = parts["SignedHeaders"].split(";")
    must = {"host", "x-amz-date"} | ({"x-amz-security-token"} if token else set())
    if signed != sorted(signed) or not must <= set(signed):
        return "signed headers are " + parts["SignedHeaders"]
    lines = "".join(f"{name}:{' '.join((headers.get(name) or '').split())}\n" for name in signed)
    url = urllib.parse.urlsplit(path)
    request = "\n".join([method, url.path or "/", url.query, lines, ";".join(signed), sha256(body)])
    text = "\n".join([scheme, stamp, f"{day}/{region}/{service}/{end}", sha256(request.encode())])
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    wanted = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(wanted, parts["Signature"]) else "the signature does not fit"


class Aws:
    """`calls` are those of Auto Scaling, as dictionaries; `metadata` maps paths to texts; `refusal` is answered while it is set."""

    def __init__(self, port=0, keys=None):
        self.keys, self.metadata = keys or {}, {}
        self.calls, self.faults, self.refusal = [], [], None
        self.refused = 0
        self.token = uuid.uuid4().hex
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self.handler())
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handler(self):
        aws = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, text):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def do_PUT(self):
                ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
                ok = self.path == "/latest/api/token" and ttl and ttl.isdigit()
                self.answer(200 if ok else 400, aws.token if ok else "")

            def do_GET(self):
                if self.headers.get("X-aws-ec2-metadata-token") != aws.token:
                    return self.answer(401, "")
                text = aws.metadata.get(self.path.removeprefix("/latest/meta-data/"))
                return self.answer(404 if text is None else 200, text or "")

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = fault_of("POST", self.path, self.headers, body, aws.keys)
                if fault:
                    aws.faults.append(fault)
                    return self.answer(403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>")
                if aws.refusal:
                    aws.refused += 1
                    return self.answer(400, aws.refusal)
                form = urllib.parse.parse_qs(body.decode(), strict_parsing=True)
                call = {name: values[0] for name, values in form.items()}
                call["key"] = self.headers["Authorization"].split("Credential=")[1].split("/")[0]
                aws.calls.append(call)
                return self.answer(200, "<Response/>")

            def log_message(self, *args):
                pass

        return Handler
