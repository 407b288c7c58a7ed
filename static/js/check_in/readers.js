// @ts-check
/** Reads the codes that a camera sees: with the browser's detector where there is one, else with our own reader. */

/** The longer side of our own reader's pictures: a larger one costs time, and shows no more of a ticket. */
const FRAME_MAX = 1280;

/** The part of https://wicg.github.io/shape-detection-api that is used here; TypeScript has none of it. */
/** @typedef {{ detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]> }} Detector */
/** @typedef {(new (options: { formats: string[] }) => Detector) & DetectorStatics} DetectorClass */
/** @typedef {{ getSupportedFormats: () => Promise<string[]> }} DetectorStatics */

/**
 * @typedef {object} Reader
 * @property {(video: HTMLVideoElement) => Promise<string[]>} read The texts of the codes in sight.
 * @property {() => void} close
 */

/** @returns {Promise<Reader>} */
export async function openReader() {
  return (await browsersReader()) ?? ownReader();
}

/** @returns {Promise<Reader | null>} */
async function browsersReader() {
  const Class = /** @type {{ BarcodeDetector?: DetectorClass }} */ (globalThis).BarcodeDetector;
  const formats = (await Class?.getSupportedFormats().catch(() => null)) ?? [];
  if (!Class || !formats.includes("qr_code")) return null;
  const detector = new Class({ formats: ["qr_code"] });
  return {
    // A frame that cannot be read is followed by one that can.
    read: async (video) => (await detector.detect(video).catch(() => [])).map(({ rawValue }) => rawValue),
    close() {},
  };
}

/** In a worker, which is loaded only now: the page stays quick, and a browser with its own detector does not load it. */
function ownReader() {
  const worker = new Worker(new URL("../qr/worker.js", import.meta.url), { type: "module" });
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  /** @type {{ resolve: (texts: string[]) => void, reject: (error: Error) => void } | null} */
  let asked = null;
  /** @type {Error | null} */
  let failure = null;
  worker.addEventListener("message", ({ data }) => {
    asked?.resolve(data.texts);
    asked = null;
  });
  worker.addEventListener("error", () => {
    failure = new Error("the reader of codes could not be loaded");
    asked?.reject(failure);
    asked = null;
  });

  /** @param {HTMLVideoElement} video */
  async function read(video) {
    if (failure !== null) throw failure;
    const { videoWidth, videoHeight } = video;
    // Nothing has come from the camera yet.
    if (!context || videoWidth === 0) return [];
    const scale = Math.min(FRAME_MAX / Math.max(videoWidth, videoHeight), 1);
    const width = Math.round(videoWidth * scale);
    const height = Math.round(videoHeight * scale);
    // Setting them empties the canvas, also when they stay the same.
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    context.drawImage(video, 0, 0, width, height);
    const { buffer: pixels } = context.getImageData(0, 0, width, height).data;
    /** @type {Promise<string[]>} */
    const answer = new Promise((resolve, reject) => (asked = { resolve, reject }));
    worker.postMessage({ pixels, width, height }, [pixels]);
    return answer;
  }

  function close() {
    worker.terminate();
    // Pending calls get no more results.
    asked?.resolve([]);
    asked = null;
  }

  return { read, close };
}
