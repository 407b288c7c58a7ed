/** The string literals of a module's source, for tests that look for forbidden ones. */

const BLANK_AROUND_VALUE = "\u0000";

/**
 * The literals of a source, without comments; of templates the text around their values, as one literal with a mark
 * for each value. Each comes with the code before it on its line.
 */
export function literalsOf(source) {
  const found = [];
  const opened = [];
  let at = 0;
  let before = "";
  const take = (text) => found.push({ text, before: before.slice(before.lastIndexOf("\n") + 1) });
  while (at < source.length) {
    const rest = source.slice(at, at + 2);
    const sign = rest[0];
    if (rest === "//" || rest === "/*") {
      const end = source.indexOf(rest === "//" ? "\n" : "*/", at + 2);
      at = end === -1 ? source.length : end + (rest === "//" ? 0 : 2);
    } else if (sign === '"' || sign === "'") {
      const end = endOf(source, at + 1, sign);
      take(source.slice(at + 1, end));
      at = end + 1;
      before += sign;
    } else if (sign === "/" && isPattern(before)) {
      at = endOfPattern(source, at + 1);
      before += sign;
    } else if (sign === "`" || (sign === "}" && opened.at(-1) === "template")) {
      // Into a template, or back into it after a value.
      if (sign === "}") opened.pop();
      const parts = sign === "`" ? [] : opened.pop();
      const start = sign === "`" ? before : parts.before;
      const { end, isOver } = endOfPart(source, at + 1);
      const all = [...parts, source.slice(at + 1, end)];
      if (isOver) {
        found.push({ text: all.join(BLANK_AROUND_VALUE), before: start.slice(start.lastIndexOf("\n") + 1) });
      } else opened.push(Object.assign(all, { before: start }), "template");
      at = end + (isOver ? 1 : 2);
      before += sign;
    } else {
      if (sign === "{") opened.push("block");
      if (sign === "}") opened.pop();
      before += sign;
      at += 1;
    }
  }
  return found;
}

/** Where a text ends that has not ended yet. */
function endOf(source, from, sign) {
  let at = from;
  while (at < source.length && source[at] !== sign) at += source[at] === "\\" ? 2 : 1;
  return at;
}

/** Where a template or its part ends. */
function endOfPart(source, from) {
  let at = from;
  while (at < source.length && source[at] !== "`" && source.slice(at, at + 2) !== "${") at += source[at] === "\\" ? 2 : 1;
  return { end: at, isOver: source[at] === "`" };
}

/** Whether a slash begins a regular expression here, and divides nothing. */
const isPattern = (before) => /(^|[=(,:;!&|?{}[\n]|=>|return)\s*$/.test(before);

function endOfPattern(source, from) {
  let [at, isClass] = [from, false];
  while (at < source.length && (isClass || source[at] !== "/")) {
    if (source[at] === "[") isClass = true;
    if (source[at] === "]") isClass = false;
    at += source[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}

/** Names of headers, keys and the like, which begin with a capital and are for programs. */
const NAMES = new Set(
  "Accept-Language Authorization Content-Type Date Enter Tab Escape Idempotency-Key If-Match If-None-Match Link Retry-After"
    .split(" ")
    .concat("AbortError ConnectionError IntersectionObserver ProblemError TimeoutError Ed25519 EventSource NFC OKP GET POST PATCH DELETE UTC Bearer Booking"
    .split(" ")),
);

/** Where a literal is for programs and programmers alone. */
const FOR_PROGRAMS = /(class: |rel: |super\(|querySelector(All)?\(|new (Type)?Error\(|new DOMException\(|import\(|from |matches\(|closest\()$/;

/** Whether people would read words in it, which belong into the catalogue. */
export function hasWords({ text, before }) {
  if (FOR_PROGRAMS.test(before)) return false;
  // Literals that consist of addresses, selectors, classes and signs have none; nor has a key.
  return text.split(BLANK_AROUND_VALUE).some((part) => {
    const words = part.replaceAll(/\\u\{?[\da-fA-F]+\}?|\\./g, " ");
    if (/[[\]{}=<>;#/_]|--|\w\.\w/.test(words) || NAMES.has(words.replaceAll(/[^\w-]/g, ""))) return false;
    const isSentence = /\p{L}.*[.!?…]$/u.test(words.trim());
    const isSeveral = /\p{L}{2,}\s+\p{L}+/u.test(words) || (/^\s|\s$/.test(words) && /\p{L}{2,}/u.test(words));
    const isTitle = /^\p{Lu}\p{Ll}+/u.test(words.trim()) && !/[-\d]/.test(words);
    return isSentence || isSeveral || isTitle;
  });
}
