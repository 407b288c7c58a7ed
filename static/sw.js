// @ts-check
/**
 * Opens the pages where there is no network, so that a door can go on. Only files of the pages are kept,
 * and never an answer of the API: what is old must not look new.
 *
 * The network always comes first. What is kept is shown only if it does not answer.
 */

/**
 * The server puts the release before this file: the list of files and a hash of what is in them. With any
 * change to any of them this script is another one, and browsers put a new one in the place of the old.
 *
 * @typedef {{ version: string, files: string[], shell: string }} Release
 */

/** @typedef {ServiceWorkerGlobalScope & { release: Release }} ReleasedWorker */
const worker = /** @type {ReleasedWorker} */ (/** @type {unknown} */ (self));
const { version, files, shell } = worker.release;

/** What the paths of this server begin with, if it is a part of another site: as its own does. */
const base = location.pathname.replace(/\/sw\.js$/, "");

/** The pages, which scripts fill: without a network each is shown by the same shell, and an event out of nothing. */
const PAGES = /^\/($|templates\/index\.html$|[er]\/|o(\/|$)|find$|mine$)/;

const CATALOGUES = "/static/i18n/";
/** The words of the language that the pages are shown in; nobody needs the others, whatever they weigh. */
const WORDS = `${CATALOGUES}${new URL(location.href).searchParams.get("language") ?? "en"}.json`;
const wanted = files.filter((file) => !file.startsWith(CATALOGUES) || file === WORDS);

const CACHE = `pages-${version}`;
/** A network that neither answers nor fails is worse than none. */
const ANSWER_MS_MAX = 4_000;

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
  const path = keptPath(event.request);
  // Everything else goes past this worker, as if it were not there.
  if (path !== null) event.respondWith(answer(event.request, path));
});

async function install() {
  const cache = await caches.open(CACHE);
  // All or nothing: half a release would not run. Asked anew, for the browser may have older ones.
  const kept = [...wanted, shell].map((file) => new Request(base + file, { cache: "no-cache" }));
  await cache.addAll(kept);
  await worker.skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("pages-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** Which of the kept files it asks for, if any. @param {Request} request @returns {string | null} */
function keptPath({ method, mode, url }) {
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin || !pathname.startsWith(`${base}/`)) return null;
  const path = pathname.slice(base.length);
  if (files.includes(path)) return pathname;
  return mode === "navigate" && PAGES.test(path) ? base + shell : null;
}

/** @param {Request} request @param {string} path @returns {Promise<Response>} */
async function answer(request, path) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ANSWER_MS_MAX);
  try {
    return await fetch(request, { signal: controller.signal });
  } catch (error) {
    const kept = await caches.match(path, { cacheName: CACHE });
    if (kept) return kept;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
