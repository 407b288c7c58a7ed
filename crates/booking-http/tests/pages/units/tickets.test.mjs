import "./setup.mjs";
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import test from "node:test";
import { createVerifier, parseTicket } from "../../../../../static/js/ticket.js";

// The same as in booking-ticket/tests/ticket.rs: tickets that were given out are read here, too.
const GOLDEN =
  "Af6BLBLzq0zmAZMsB6WxfD2eTxorPE1ebwGTLAgAAHq8je8BI0VniasAAAACeLig5spv4knHNIShTIiRJqmT-LNdLEPooCJgf_PoVEup05a9thx5IG85jiSOfai7eCxXy5IYqhTPs91yxzzDAQ";
const CLAIMS = {
  keyId: "fe812c12f3ab4ce6",
  eventId: "01932c07-a5b1-7c3d-9e4f-1a2b3c4d5e6f",
  registrationId: "01932c08-0000-7abc-8def-0123456789ab",
  generation: 2,
};

/** The public key of a seed of one byte again and again (RFC 8410). */
function keyOf(byte, kid) {
  const head = Buffer.from("302e020100300506032b657004220420", "hex");
  const der = Buffer.concat([head, Buffer.alloc(32, byte)]);
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { ...createPublicKey(secret).export({ format: "jwk" }), kid };
}
const KEY = keyOf(7, CLAIMS.keyId);

test("a ticket has the content that the server wrote into it", () => {
  assert.deepEqual(parseTicket(GOLDEN), CLAIMS);
});

test("a text that is not exactly a ticket is none", () => {
  const last = GOLDEN.length - 1;
  const wrong = [
    "",
    "hello",
    `${GOLDEN}A`,
    GOLDEN.slice(0, last),
    ` ${GOLDEN}`,
    `${GOLDEN}=`,
    // Another format, and a text whose last character says more than there is to say.
    `Ag${GOLDEN.slice(2)}`,
    `${GOLDEN.slice(0, last)}R`,
    GOLDEN.replaceAll("-", "+"),
  ];
  for (const text of wrong) assert.equal(parseTicket(text), null, text);
});

test("a ticket that the server signed is genuine", async () => {
  const { verify } = await createVerifier({ keys: [KEY] });
  assert.deepEqual(await verify(GOLDEN), { ok: true, claims: CLAIMS });
});

test("a changed ticket is forged, wherever it was changed", async () => {
  const { verify } = await createVerifier({ keys: [KEY] });
  for (let at = 2; at < GOLDEN.length - 1; at += 7) {
    const other = GOLDEN[at] === "A" ? "B" : "A";
    const changed = GOLDEN.slice(0, at) + other + GOLDEN.slice(at + 1);
    assert.deepEqual(await verify(changed), { ok: false, reason: "forged" }, `at ${at}`);
  }
  assert.deepEqual(await verify("hello"), { ok: false, reason: "not_a_ticket" });
});

test("an unknown key, or another's, makes nothing genuine", async () => {
  for (const keys of [[], [keyOf(8, CLAIMS.keyId)], [{ ...KEY, kid: "0000000000000000" }]]) {
    const { verify } = await createVerifier({ keys });
    assert.deepEqual(await verify(GOLDEN), { ok: false, reason: "forged" });
  }
});

test("keys of unknown kinds are ignored", async () => {
  const { verify } = await createVerifier({ keys: [{ kty: "RSA", kid: "r" }, KEY] });
  assert.equal((await verify(GOLDEN)).ok, true);
});
