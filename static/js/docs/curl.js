// @ts-check
/** A request as a curl command. */

/** @param {string} text As a shell takes it. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * @param {string} method
 * @param {string} url
 * @param {string | null} token The placeholder of the token, if it needs one.
 * @param {unknown} body Undefined if there is none.
 * @returns {string}
 */
export function curlOf(method, url, token, body) {
  // curl's default method.
  const usual = body === undefined ? "GET" : "POST";
  const parts = [`curl -s ${method === usual ? "" : `-X ${method} `}${quoted(url)}`];
  if (token !== null) parts.push(`-H ${quoted(`Authorization: Bearer ${token}`)}`);
  if (method !== "GET") parts.push('-H "Idempotency-Key: $(uuidgen)"');
  if (body !== undefined) {
    parts.push(`-H ${quoted("Content-Type: application/json")}`, `-d ${quoted(JSON.stringify(body))}`);
  }
  return parts.join(" \\\n  ");
}
