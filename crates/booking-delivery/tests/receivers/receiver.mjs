// A receiver of webhooks, as anybody would write one with the reference library: receiver.mjs FOLDER SECRET KEY.
//
// FOLDER has the library in its node_modules. It checks what the secret has signed (v1); what the server's key has
// signed (v1a) is checked by what Node.js brings. Prints its port. Answers 204 to what both take for genuine, and
// 400 to the rest.

import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import process from "node:process";

const [folder, secret, publicKey] = process.argv.slice(2);
const { Webhook } = createRequire(`${folder}/`)("standardwebhooks");
const webhook = new Webhook(secret);
const x = Buffer.from(publicKey.replace("whpk_", ""), "base64").toString("base64url");
const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });

/** Whether the key has signed it. */
function isByKey(headers, body) {
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  return headers["webhook-signature"]
    .split(" ")
    .map((signature) => signature.split(","))
    .filter(([version]) => version === "v1a")
    .some(([, signature]) => verify(null, Buffer.from(signed), key, Buffer.from(signature, "base64")));
}

function isGenuine(headers, body) {
  try {
    const { type, timestamp, data } = webhook.verify(body, headers);
    return Boolean(type && timestamp && data) && isByKey(headers, body);
  } catch (error) {
    console.error(error.message);
    return false;
  }
}

const server = createServer(async (request, response) => {
  let body = "";
  request.setEncoding("utf8");
  for await (const part of request) body += part;
  response.writeHead(isGenuine(request.headers, body) ? 204 : 400).end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
