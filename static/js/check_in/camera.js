// @ts-check
/** Reading QR codes with the camera, in browsers that can. */

import { el, setText } from "../dom.js";
import { t } from "../words.js";

const LOOK_EVERY_MS = 150;
/** A ticket that is held before the camera is one scan, not one for each look. */
const SAME_MS = 3_000;

/** The part of https://wicg.github.io/shape-detection-api that is used here; TypeScript has none of it. */
/** @typedef {{ detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]> }} Detector */
/** @typedef {(new (options: { formats: string[] }) => Detector) & DetectorStatics} DetectorClass */
/** @typedef {{ getSupportedFormats: () => Promise<string[]> }} DetectorStatics */

/** @returns {Promise<boolean>} */
async function canRead() {
  const Class = detectorClass();
  if (!Class || !navigator.mediaDevices?.getUserMedia) return false;
  const formats = await Class.getSupportedFormats().catch(() => /** @type {string[]} */ ([]));
  return formats.includes("qr_code");
}

/** @returns {DetectorClass | undefined} */
const detectorClass = () => /** @type {{ BarcodeDetector?: DetectorClass }} */ (globalThis).BarcodeDetector;

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
  const error = el("p", { class: "field__error", role: "alert" });
  // Where none can be read that is said: who looks for the camera need not think that it is broken.
  const cannot = el("p", { class: "quiet", hidden: true, "data-testid": "door-no-camera" }, t("camera.unsupported"));
  const node = el("div", { class: "camera-box", hidden: true }, button, error, video, cannot);
  /** @type {MediaStream | null} */
  let stream = null;
  let last = { text: "", at: 0 };

  canRead()
    .catch(() => false)
    .then((can) => {
      node.hidden = false;
      button.hidden = !can;
      cannot.hidden = can;
    });
  setText(button, t("camera.use"));

  async function start() {
    setText(error, "");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      return setText(
        error,
        t("camera.failed"),
      );
    }
    if (signal.aborted) return stop();
    video.srcObject = stream;
    video.hidden = false;
    setText(button, t("camera.stop"));
    await video.play();
    look(new /** @type {DetectorClass} */ (detectorClass())({ formats: ["qr_code"] }));
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    video.hidden = true;
    setText(button, t("camera.use"));
  }

  /** @param {Detector} detector */
  async function look(detector) {
    if (!stream) return;
    // A frame that cannot be read is followed by one that can.
    const codes = await detector.detect(video).catch(() => []);
    for (const { rawValue: text } of codes) {
      const now = Date.now();
      const isSame = text === last.text && now - last.at < SAME_MS;
      last = { text, at: now };
      if (!isSame) onText(text);
    }
    setTimeout(() => look(detector), LOOK_EVERY_MS);
  }

  button.addEventListener("click", () => (stream ? stop() : start()));
  signal.addEventListener("abort", stop);
  return { node };
}
