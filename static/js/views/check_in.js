// @ts-check
/** Checking people in at the door, with or without a network. */

import { timeoutSignal } from "../abort.js";
import { eventAddress } from "../address.js";
import {
  ProblemError,
  checkInBatch,
  checkInGuest,
  getCounts,
  getOwnEvent,
  getRegistration,
  undoCheckIn,
} from "../api.js";
import { serverNow } from "../clock.js";
import { createCamera } from "../check_in/camera.js";
import { guestOf } from "../check_in/guest_text.js";
import { createKeys } from "../check_in/keys.js";
import { createNames } from "../check_in/names.js";
import { createQueue } from "../check_in/queue.js";
import { listenForScanner } from "../check_in/scanner_keys.js";
import { createLettingIn, createScanning, decidedResult } from "../check_in/scanning.js";
import { openStore } from "../check_in/store.js";
import { createTimes, timingOf } from "../check_in/timing.js";
import { hoursOf } from "../check_in/messages.js";
import { el, setText } from "../dom.js";
import { explain } from "../explain.js";
import { createField } from "../form.js";
import { attempt, randomUuid } from "../idempotency.js";
import { startPolling } from "../poll.js";
import { may } from "../session.js";
import { nameShown, trimmedCode } from "../text.js";
import { t, tNodes } from "../words.js";
import { createCheckInCounts } from "./check_in_counts.js";
import { createCheckInGuests } from "./check_in_guests.js";
import { createLastScans } from "./check_in_last.js";
import { createCheckInResult } from "./check_in_result.js";
import { createWalkIn } from "./check_in_walk_in.js";

/** @import { Registration, View } from "../types.js" */
/** @import { Guest } from "../check_in/names.js" */
/** @import { Result } from "../check_in/scanning.js" */

const POLL_MS = 5_000;
const COUNTS_MS = 10_000;
/** A name that comes late is useless at a door. */
const NAME_MS_MAX = 3_000;

/** @param {View} view @param {string} id */
export async function checkInView({ root, signal, setTitle }, id) {
  setTitle(t("door.title"));
  const name = el("span", { dir: "auto", "data-testid": "door-event" });
  const title = el("h1", { tabindex: -1, class: "check-in__title" }, ...tNodes("door.title_of", { event: name }));
  const code = createField({
    name: "code",
    label: t("door.code"),
    hint: t("door.code_hint"),
    attributes: {
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      class: "field__input field__input--huge mono",
      "data-testid": "door-input",
    },
  });
  const button = el("button", { type: "submit", class: "button", "data-testid": "door-submit" }, t("door.check_in"));
  const form = el(
    "form",
    { class: "form check-in__form", novalidate: true, "data-testid": "door-form", "aria-label": t("door.check_in") },
    code.node,
    el("div", { class: "actions" }, button),
  );
  const times = createTimes(id);
  const hours = el("div", { role: "status", "data-testid": "door-hours" });
  const result = createCheckInResult({ onUndo: undo, nameOf: async (id) => partsOf(await names.guest(id)), times: times.now });
  const names = createNames((who) => getRegistration(who, timeoutSignal(NAME_MS_MAX)));
  const store = await openStore();
  const known = await store.all(id).catch(() => []);
  if (signal.aborted) return;
  const queue = createQueue({
    store,
    known,
    signal,
    // The server recognizes a scan by its id; the key only names this one request.
    send: (scans) => checkInBatch(id, scans, randomUuid()),
    onChange() {
      counts.update();
      last.update();
      settle();
    },
  });
  const keys = createKeys(() => counts.update());
  const counts = createCheckInCounts({
    queue,
    keys,
    isDurable: queue.isDurable,
    focusInput: () => code.input.focus(),
    names,
  });
  const last = createLastScans(queue, names);
  const guests = createCheckInGuests({ eventId: id, signal, onFound: names.learn, onLetIn: letIn, onTicket: take });
  const walkIn = may("manager") ? createWalkIn({ eventId: id, signal, onLetIn: letInWalkIn }) : null;
  const letInGuest = createLettingIn(id, queue, (who) =>
    attempt(["let-in", who], (key) => checkInGuest(id, who, key), signal),
  );
  const scan = createScanning(id, queue, keys.verifier, times.now);
  const camera = createCamera(signal, shown);
  root.append(
    el("a", { class: "back", href: eventAddress(id) }, t("nav.the_event")),
    title,
    hours,
    // The result comes first, so that it is in sight with the field, on phones too.
    el(
      "div",
      { class: "check-in" },
      el("div", { class: "check-in__left" }, form, camera.node),
      result.node,
      el("div", { class: "check-in__more" }, guests.node, walkIn?.node),
    ),
    counts.node,
    last.node,
  );
  counts.update();
  drawHours();
  if (times.lastName !== null) call(times.lastName);
  code.input.focus();

  /** @param {string} eventName */
  function call(eventName) {
    setText(name, nameShown(eventName));
    setTitle(t("door.page_title", { event: nameShown(eventName) }));
  }

  /** Shown before anybody is let in on the wrong day. */
  function drawHours() {
    const timing = timingOf(times.now(), serverNow());
    const text = hoursOf(timing, times.now()) ?? "";
    hours.dataset.timing = timing ?? "";
    // Redrawn only if it changes: it would be announced again.
    if (hours.textContent !== text) {
      hours.replaceChildren(...(text === "" ? [] : [el("p", { class: "check-in__hours" }, text)]));
    }
  }

  /** A scanner is faster than a network: scans are handled in order. */
  let turn = Promise.resolve();

  /** @param {string} text */
  function take(text) {
    turn = turn.then(async () => {
      result.wait();
      result.show(await scan(text).catch(failed));
    });
    return turn;
  }

  // The button is never busy: the next person may be scanned while the last answer is on its way.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    takeTyped();
  });
  listenForScanner(/** @type {HTMLInputElement} */ (code.input), signal, takeTyped);

  function takeTyped() {
    const text = trimmedCode(code.input.value);
    code.input.value = "";
    code.input.focus();
    if (text !== "") shown(text);
  }

  /** @param {string} text Typed or held before the camera. */
  function shown(text) {
    // A visitor without a ticket at hand shows their address, or the link from their mail.
    const guest = guestOf(text);
    if (guest === null) take(text);
    else guests.show(guest);
  }

  /** @param {Registration} guest */
  async function letIn(guest) {
    const answer = await letInGuest(guest.id);
    result.wait();
    result.show(answer);
  }

  /** @param {Registration} guest */
  function letInWalkIn(guest) {
    names.learn(guest);
    return letIn(guest);
  }

  /** A person let in by this device's own decision may be decided by the server while the result is still shown. */
  function settle() {
    const scan = result.isQueued() && queue.get(result.scanId() ?? "");
    if (scan && scan.state === "decided") result.show(decidedResult(scan));
  }

  /** @param {string} scanId @returns {Promise<string>} The result. */
  async function undo(scanId) {
    try {
      // A request in progress cannot be cancelled; its effect can be undone.
      if (queue.isSending()) await queue.sync();
      const known = queue.get(scanId);
      if (known?.state === "waiting") {
        await queue.forget(scanId);
        return t("door.undone_unsent");
      }
      if (known?.result !== "checked_in") return t("door.undo_nothing");
      const { registration_id: who } = known;
      // Of this scan alone: the same ticket may be used, and undone, once more.
      await attempt(["undo-check-in", who, scanId], (key) => undoCheckIn(id, who, key), signal);
      await queue.undo(scanId);
      return t("door.undone");
    } finally {
      code.input.focus();
    }
  }

  /** @type {string | null} */
  let etag = null;
  let hasNewKeys = false;
  const polling = startPolling({
    everyMs: POLL_MS,
    signal,
    ask: (abort) => getOwnEvent(id, etag, abort),
    onAnswer(answer) {
      if (answer) {
        etag = answer.etag;
        call(answer.event.name);
        counts.seats(answer.event);
        times.set(answer.event);
      }
      drawHours();
      // The network is there, or is back.
      if (!hasNewKeys)
        keys.refresh().then(
          () => (hasNewKeys = true),
          () => {},
        );
      if (queue.waiting().length > 0) queue.sync();
    },
    onFailure(error) {
      if (!(error instanceof ProblemError) || error.status !== 404) return "again";
      setText(name, t("door.no_event"));
      return "stop";
    },
  });
  startPolling({
    everyMs: COUNTS_MS,
    signal,
    ask: (abort) => getCounts(id, abort),
    onAnswer: ({ checked_in }) => counts.everywhere(checked_in),
    // Older servers count nothing.
    onFailure: (error) => (error instanceof ProblemError && error.status === 404 ? "stop" : "again"),
  });
  // Without a network the door is open all the same.
  await Promise.race([polling.first, new Promise((resolve) => setTimeout(resolve, 300))]);
}

/** In separate elements: a name that is written from right to left does not run into the address. @param {Guest} guest */
function partsOf({ name, user_email }) {
  const address = el("bdi", {}, user_email);
  return name ? [el("bdi", {}, name), " (", address, ")"] : [address];
}

/** @param {unknown} error @returns {Result} */
const failed = (error) => ({
  result: "refused",
  reason: null,
  at: null,
  timing: null,
  registrationId: null,
  scanId: null,
  verified: false,
  detail: explain(error, t("people.not_let_in")).text,
});
