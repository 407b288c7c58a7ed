"""What a client in Python does that was generated from the description: it puts up an event, takes a seat, reads it
and gives it up. scripts/check-api.sh runs it."""

import os
import uuid

from booking_client import AuthenticatedClient, Client
from booking_client.api.events import create_event, list_events, show_event
from booking_client.api.registrations import cancel, register, show_registration
from booking_client.models import CreateEvent, Event, Register, Registration

url = os.environ["BOOKING_URL"]
organizer = AuthenticatedClient(base_url=url, token=os.environ["BOOKING_TOKEN"])
visitor = Client(base_url=url)


def key() -> str:
    return str(uuid.uuid4())


made = create_event.sync(client=organizer, body=CreateEvent(name="Made in Python", capacity=1), idempotency_key=key())
assert isinstance(made, Event), made
assert (made.capacity, made.available, made.status.value) == (1, 1, "published")

same = key()
body = Register(user_email="Ada@Example.org", name="Ada Lovelace")
seat = register.sync(made.id, client=visitor, body=body, idempotency_key=same)
assert isinstance(seat, Registration), seat
assert (seat.user_email, seat.status.value, seat.expires_at) == ("ada@example.org", "confirmed", None)
again = register.sync_detailed(made.id, client=visitor, body=body, idempotency_key=same)
assert again.status_code == 201 and again.parsed.id == seat.id, again
assert again.headers["Idempotency-Replayed"] == "true"

full = register.sync_detailed(made.id, client=visitor, body=Register(user_email="grace@example.org"))
assert full.status_code == 409 and full.parsed.code.value == "sold_out", full

holder = AuthenticatedClient(base_url=url, token=seat.manage_token)
assert show_registration.sync(seat.id, client=holder).id == seat.id
shown = show_event.sync(made.id, client=visitor)
assert isinstance(shown, Event) and shown.available == 0, shown
listed = list_events.sync(client=visitor, limit=5)
assert made.id in [event.id for event in listed], listed
ended = cancel.sync(seat.id, client=holder)
assert isinstance(ended, Registration) and ended.status.value == "cancelled", ended
nobody = cancel.sync_detailed(seat.id, client=AuthenticatedClient(base_url=url, token="org_nobody"))
assert nobody.status_code == 401 and nobody.parsed.code.value == "unauthenticated", nobody
print("the client in Python works")
