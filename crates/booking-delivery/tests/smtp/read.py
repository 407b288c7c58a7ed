"""Says as JSON what a mail is, as a parser that is not ours reads it.

usage: read.py FILE
"""

import email
import email.header
import email.policy
import email.utils
import json
import struct
import sys

with open(sys.argv[1], "rb") as file:
    raw = file.read()
message = email.message_from_bytes(raw, policy=email.policy.default)


def tree(part):
    kind = part.get_content_type()
    return [kind, [tree(child) for child in part.iter_parts()]] if part.is_multipart() else kind


def defects(part):
    found = [str(defect) for defect in part.defects]
    for header in part.values():
        # An address that is not ASCII stands there as it is, where the mail server knows such.
        if header.isascii():
            found += [str(defect) for defect in getattr(header, "defects", [])]
    if part.is_multipart():
        for child in part.iter_parts():
            found += defects(child)
    return found


# The newer parser keeps the white space between two encoded words of a name, which RFC 2047, section 6.2, has
# readers drop; the older one drops it.
older = email.message_from_bytes(raw, policy=email.policy.compat32)


def mailbox(name):
    """Whose a header with one address is. It may hold UTF-8 as it is (RFC 6532)."""
    value = older[name]
    if not isinstance(value, str):
        value = str(message[name]).encode("utf-8", "surrogateescape").decode("utf-8")
    words, address = email.utils.parseaddr(value.replace("\r\n", ""))
    return [str(email.header.make_header(email.header.decode_header(words))), address]


about = {
    "names": [name for name, _ in message.items()],
    "subject": str(message["subject"]),
    "to": [mailbox("to")],
    "from": [mailbox("from")],
    "reply_to": str(message["reply-to"]),
    "id": str(message["message-id"]),
    "date": message["date"].datetime.isoformat(),
    "auto_submitted": str(message["auto-submitted"]),
    "tree": tree(message),
    "defects": defects(message),
    "longest_line": max(len(line) for line in raw.split(b"\r\n")),
    "bare_ends": raw.replace(b"\r\n", b"").count(b"\n") + raw.replace(b"\r\n", b"").count(b"\r"),
}
for part in message.walk():
    kind = part.get_content_type()
    if kind in ("text/plain", "text/html"):
        about[kind] = part.get_content()
    elif kind == "text/calendar":
        about[kind] = part.get_payload(decode=True).decode("utf-8")
        about["method"] = part.get_param("method")
        about["charset"] = part.get_content_charset()
    elif kind == "image/png":
        png = part.get_payload(decode=True)
        about["cid"] = part["content-id"].strip("<>")
        about["disposition"] = part.get_content_disposition()
        about["png"] = png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", png[16:24])
json.dump(about, sys.stdout)
