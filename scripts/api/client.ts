// What a client in TypeScript does that was generated from the description: it puts up an event, takes a seat, reads
// it and gives it up. scripts/check-api.sh checks its types and runs it.

import createClient from "openapi-fetch";
import type { components, paths, webhooks } from "./booking.js";

declare const process: { env: Record<string, string | undefined> };

type Registration = components["schemas"]["Registration"];

/** What a receiver of webhooks reads: its type says which of them it is. */
type Message = webhooks[keyof webhooks]["post"]["requestBody"]["content"]["application/json"];

/** Whose registration a message is about, if it is about one. */
function registrationOf(message: Message): string | undefined {
  if (message.type === "webhook.test") return undefined;
  return "registration_id" in message.data ? message.data.registration_id : undefined;
}

const baseUrl = process.env.BOOKING_URL ?? "";
const clientWith = (token?: string) =>
  createClient<paths>({ baseUrl, headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } });
const organizer = clientWith(process.env.BOOKING_TOKEN);
const visitor = clientWith();

function assert(isSo: boolean, what: unknown): asserts isSo {
  if (!isSo) throw new Error(JSON.stringify(what));
}

const made = await organizer.POST("/events", {
  params: { header: { "Idempotency-Key": crypto.randomUUID() } },
  body: { name: "Made in TypeScript", capacity: 1 },
});
assert(made.data !== undefined, made.error);
assert(made.data.available === 1 && made.data.status === "published", made.data);
const event = { params: { path: { id: made.data.id } } };

const seat = await visitor.POST("/events/{id}/register", {
  ...event,
  body: { user_email: "Ada@Example.org", name: "Ada Lovelace" },
});
assert(seat.data !== undefined, seat.error);
// Where addresses are confirmed, a mail tells of it instead.
assert("id" in seat.data, seat.data);
const { id, manage_token: token, status, user_email: email }: Registration = seat.data;
assert(status === "confirmed" && email === "ada@example.org", seat.data);

const full = await visitor.POST("/events/{id}/register", { ...event, body: { user_email: "grace@example.org" } });
assert(full.error?.code === "sold_out", full.error ?? full.data);
// Only what the description says of it may be compared, or the types do not agree.
const codes: components["schemas"]["Problem"]["code"][] = ["sold_out", "closed"];
assert(codes.includes(full.error.code), full.error);

const holder = clientWith(token);
const registration = { params: { path: { id } } };
const shown = await holder.GET("/registrations/{id}", registration);
assert(shown.data?.id === id, shown.error ?? shown.data);
const now = await visitor.GET("/events/{id}", event);
assert(now.data?.available === 0, now.error ?? now.data);
const ended = await holder.DELETE("/registrations/{id}", registration);
assert(ended.data?.status === "cancelled", ended.error ?? ended.data);
const listed = await visitor.GET("/events", { params: { query: { limit: 5 } } });
assert(listed.data?.some((one) => one.id === made.data?.id) === true, listed.error ?? listed.data);
const data = { event_id: made.data.id, version: 2, registration_id: id, actor: "attendee" as const };
const told: Message = { type: "registration.held", timestamp: "2031-05-01T19:00:00Z", data };
assert(registrationOf(told) === id, told);
console.log("the client in TypeScript works");
