// @ts-check
/** Reading QR codes with the camera. */

import { el, setText } from "../dom.js";
import { t } from "../words.js";
import { openReader } from "./readers.js";
import { createSightings } from "./sightings.js";

/** @import { Reader } from "./readers.js" */

const LOOK_EVERY_MS = 150;
/** Enough for a ticket at arm's length; a lesser camera gives what it has. */
const PICTURE = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };

/**
 * @param {AbortSignal} signal
 * @param {(text: string) => void} onText
 */
export function createCamera(signal, onText) {
  const video = el("video", { class: "camera", muted: true, playsinline: true, hidden: true });
  video.setAttribute("aria-label", t("camera.view"));
  const button = el("button", {
    type: "button",
    class: "button button--plain",
    "data-testid": "door-camera",
  });
  const error = el("p", { class: "field__error", role: "alert", "data-testid": "door-camera-error" });
  const node = el("div", { class: "camera-box" }, button, error, video);
  /** The stream and the reader while the camera runs. @type {{ stream: MediaStream, reader: Reader | null } | null} */
  let open = null;
  let starting = false;
  const sightings = createSightings();

  setText(button, t("camera.use"));
  if (!navigator.mediaDevices?.getUserMedia) {
    button.hidden = true;
    // Browsers hide it from pages that did not come over HTTPS.
    node.append(el("p", { class: "quiet", "data-testid": "door-no-camera" }, t("camera.https")));
  }

  async function start() {
    setText(error, "");
    if (starting) return;
    starting = true;
    const stream = await navigator.mediaDevices.getUserMedia({ video: PICTURE }).catch(() => null);
    const reader = stream && (await openReader().catch(() => null));
    starting = false;
    if (stream === null) return setText(error, t("camera.failed"));
    open = { stream, reader };
    if (signal.aborted) return stop();
    if (reader === null) return fail();
    video.srcObject = stream;
    video.hidden = false;
    setText(button, t("camera.stop"));
    await video.play().catch(() => {});
    look(reader);
  }

  function stop() {
    for (const track of open?.stream.getTracks() ?? []) track.stop();
    open?.reader?.close();
    open = null;
    video.srcObject = null;
    video.hidden = true;
    setText(button, t("camera.use"));
  }

  function fail() {
    stop();
    setText(error, t("camera.not_loaded"));
  }

  /** @param {Reader} reader */
  async function look(reader) {
    // It may have been stopped, and restarted, meanwhile.
    const isOpen = () => open?.reader === reader;
    if (!isOpen()) return;
    try {
      const texts = await reader.read(video);
      if (!isOpen()) return;
      const text = sightings(texts, Date.now());
      if (text !== null) onText(text);
    } catch {
      return isOpen() ? fail() : undefined;
    }
    setTimeout(() => look(reader), LOOK_EVERY_MS);
  }

  button.addEventListener("click", () => (open ? stop() : start()));
  signal.addEventListener("abort", stop);
  return { node };
}
