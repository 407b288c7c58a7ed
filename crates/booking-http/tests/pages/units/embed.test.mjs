import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { snippetOf } from "../../../../../static/js/views/embed.js";

test("a name stays a name in the pasted snippet", () => {
  const event = { id: "019606a8", name: '"><script>alert(1)</script>&' };
  const snippet = snippetOf(event, "https://booking.example");
  assert.ok(snippet.startsWith('<iframe src="https://booking.example/e/019606a8?embed" title="&quot;&gt;&lt;script&gt;'), snippet);
  assert.equal(snippet.match(/<(?!\/?iframe)/), null, snippet);
});
