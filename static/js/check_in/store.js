// @ts-check
/** The storage of scans: the browser's database, so that neither a reload nor a crash loses one. */

/**
 * @typedef {object} Scan
 * @property {string} id Created here: the server counts a scan once, however often it is sent.
 * @property {string} event_id
 * @property {string} registration_id
 * @property {string} ticket Cleared once it was sent: others could use it to walk in.
 * @property {string} scanned_at
 * @property {"waiting" | "decided" | "undone"} state
 * @property {boolean} let_in Whether the person was let in before the server decided.
 * @property {"checked_in" | "already_checked_in" | "refused" | null} result
 * @property {string | null} checked_in_at
 * @property {"early" | "on_time" | "late" | null} [timing] Scans that an older release stored have none.
 * @property {string | null} reason
 * @property {string | null} detail
 *
 * @typedef {object} ScanStore
 * @property {boolean} isDurable
 * @property {(eventId: string) => Promise<Scan[]>} all
 * @property {(scan: Scan) => Promise<void>} put
 * @property {(id: string) => Promise<void>} remove
 */

const SCANS = "scans";

/** @returns {Promise<ScanStore>} */
export async function openStore() {
  try {
    return durable(await open());
  } catch {
    // Some browsers forbid it in private windows.
    return inMemory();
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  // It keeps its first name: scans from before an update are found after it.
  const request = indexedDB.open("door", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(SCANS, { keyPath: "id" }).createIndex("event_id", "event_id");
  };
  return settled(request);
}

/** @param {IDBDatabase} database @returns {ScanStore} */
function durable(database) {
  /** @param {IDBTransactionMode} mode */
  const scans = (mode) => database.transaction(SCANS, mode, { durability: "strict" }).objectStore(SCANS);
  return {
    isDurable: true,
    all: (eventId) => settled(scans("readonly").index("event_id").getAll(eventId)),
    put: (scan) => written(scans("readwrite"), (store) => store.put(scan)),
    remove: (id) => written(scans("readwrite"), (store) => store.delete(id)),
  };
}

/** @returns {ScanStore} */
export function inMemory() {
  /** @type {Map<string, Scan>} */
  const scans = new Map();
  return {
    isDurable: false,
    all: async (eventId) => [...scans.values()].filter((scan) => scan.event_id === eventId),
    put: async (scan) => void scans.set(scan.id, scan),
    remove: async (id) => void scans.delete(id),
  };
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * Resolves when it is on disk, not when it was requested.
 *
 * @param {IDBObjectStore} store
 * @param {(store: IDBObjectStore) => void} write
 * @returns {Promise<void>}
 */
const written = (store, write) =>
  new Promise((resolve, reject) => {
    store.transaction.oncomplete = () => resolve();
    store.transaction.onabort = () => reject(store.transaction.error);
    write(store);
  });
