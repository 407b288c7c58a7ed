// @ts-check
/** The scans of one door: stored first, then sent in chunks, and retried until the server has decided. */

import { explainRead } from "../explain.js";
import { ProblemError } from "../http.js";

/** @import { ScanRequest, ScanResult } from "../types.js" */
/** @import { Scan, ScanStore } from "./store.js" */

/** The most that the server accepts at once. */
const CHUNK_SCANS_MAX = 50;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;
/** Decisions are kept this long, to recognize a ticket that is scanned again. */
const KEEP_MS = 3 * 86_400_000;

/** Errors that no retry would change. Any other may go away. */
const FINAL = [400, 409, 413, 422];

/**
 * @param {object} options
 * @param {ScanStore} options.store
 * @param {Scan[]} options.known The scans in the store.
 * @param {(scans: ScanRequest[]) => Promise<ScanResult[]>} options.send
 * @param {() => void} options.onChange
 * @param {AbortSignal} options.signal
 */
export function createQueue({ store, known, send, onChange, signal }) {
  /** @type {Map<string, Scan>} */
  const scans = new Map();
  for (const scan of known) {
    if (scan.state === "waiting" || Date.parse(scan.scanned_at) > Date.now() - KEEP_MS)
      scans.set(scan.id, scan);
    else store.remove(scan.id).catch(() => {});
  }
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let failures = 0;
  /** @type {Promise<void> | null} */
  let turn = null;
  let chunkMax = CHUNK_SCANS_MAX;
  /** @type {unknown} */
  let lastError = null;
  let { isDurable } = store;

  const waiting = () => [...scans.values()].filter((scan) => scan.state === "waiting");

  /** @param {Scan} scan */
  async function keep(scan) {
    scans.set(scan.id, scan);
    onChange();
    try {
      await store.put(scan);
    } catch {
      // A full disk must not keep people out. The scan is sent all the same, if the page stays open.
      isDurable = false;
    }
  }

  /** Sends pending scans. One run at a time: a second call joins the one in progress. */
  function sync() {
    turn ??= sendAll().finally(() => (turn = null));
    return turn;
  }

  async function sendAll() {
    clearTimeout(timer);
    for (let chunk = nextChunk(); chunk.length > 0; chunk = nextChunk()) {
      if (signal.aborted) return;
      try {
        await decide(await send(chunk.map(({ id, ticket, scanned_at }) => ({ id, ticket, scanned_at }))));
        failures = 0;
        lastError = null;
        chunkMax = Math.min(chunkMax * 2, CHUNK_SCANS_MAX);
      } catch (error) {
        if (!(error instanceof ProblemError && FINAL.includes(error.status))) return later(error);
        // The server refuses one of them. Halving finds it, and the others are sent.
        const [first, ...others] = chunk;
        if (others.length > 0) chunkMax = Math.floor(chunk.length / 2);
        else if (first)
          await decide([{ id: first.id, result: "refused", reason: error.code, detail: explainRead(error) }]);
      }
    }
    onChange();
  }

  const nextChunk = () => waiting().slice(0, chunkMax);

  /** @param {ScanResult[]} results */
  async function decide(results) {
    if (results.length === 0) throw new Error("the server decided nothing");
    for (const { id, result, checked_in_at = null, timing = null, reason = null, detail = null } of results) {
      const scan = scans.get(id);
      // It may have been undone meanwhile.
      if (!scan) continue;
      const decided = { result, checked_in_at, timing: timing ?? scan.timing, reason, detail };
      await keep({ ...scan, ...decided, state: "decided", ticket: "" });
    }
  }

  /** @param {unknown} error */
  function later(error) {
    lastError = error;
    failures += 1;
    const wished = error instanceof ProblemError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
    const backedOff = Math.min(RETRY_MS_MIN * 2 ** (failures - 1), RETRY_MS_MAX);
    // Doors that lost the network together should not come back together.
    timer = setTimeout(sync, Math.max(wished, backedOff * (0.8 + Math.random() * 0.4)));
    onChange();
  }

  signal.addEventListener("abort", () => clearTimeout(timer));

  return {
    sync,
    lastError: () => lastError,
    isDurable: () => isDurable,
    get: (/** @type {string} */ id) => scans.get(id) ?? null,
    all: () => [...scans.values()],
    waiting,
    isSending: () => turn !== null,

    /** @param {Pick<Scan, "id" | "event_id" | "registration_id" | "ticket" | "scanned_at" | "timing">} scan */
    add: (scan) =>
      keep({
        ...scan,
        state: "waiting",
        let_in: false,
        result: null,
        checked_in_at: null,
        reason: null,
        detail: null,
      }),

    /**
     * A person was checked in without a ticket, and the server has confirmed it: nothing is left to send.
     *
     * @param {Pick<Scan, "id" | "event_id" | "registration_id" | "scanned_at" | "timing">} scan
     */
    record: (scan) =>
      keep({
        ...scan,
        ticket: "",
        state: "decided",
        let_in: false,
        result: "checked_in",
        checked_in_at: scan.scanned_at,
        reason: null,
        detail: null,
      }),

    /** A person was let in by this device's own decision. @param {string} id */
    async letIn(id) {
      const scan = scans.get(id);
      if (scan) await keep({ ...scan, let_in: true });
    },

    /** @param {string} id */
    async undo(id) {
      const scan = scans.get(id);
      if (scan) await keep({ ...scan, state: "undone" });
    },

    /** Removes the scan. @param {string} id */
    async forget(id) {
      scans.delete(id);
      onChange();
      await store.remove(id);
    },
  };
}

/** A person was let in who, by the server's decision, should not be. @param {Scan} scan */
export const isConflict = ({ let_in, state, result }) =>
  let_in && state === "decided" && result !== "checked_in";

/** @param {Scan} scan */
export const isInside = ({ let_in, state, result }) =>
  state === "waiting" ? let_in : state === "decided" && result === "checked_in";
