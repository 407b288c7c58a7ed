/** Pictures of codes, as cameras take them: turned, tilted, out of focus, dark, noisy, stained. */

/** Numbers from 0 to 1 that are the same each time. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

const MARGIN = 4;

/**
 * @param {{ size: number, dark: Uint8Array }} code
 * @param {object} [how]
 * @param {number} [how.module] The side of a module in pixels, before it is tilted.
 * @param {number} [how.angle] In degrees.
 * @param {[number, number]} [how.tilt] In degrees, about the axis across and the one down.
 * @param {number} [how.blur] The standard deviation, in pixels.
 * @param {[number, number]} [how.tones] Of dark and of light.
 * @param {number} [how.shade] How much darker the right edge is than the left, from 0 to 1.
 * @param {number} [how.noise] The standard deviation.
 * @param {[number, number, number, number][]} [how.stains] Left, top, width and tone, in modules.
 * @param {boolean} [how.mirrored]
 * @param {number} [how.bend] How far the paper's middle is pushed aside, in modules.
 */
export function picture(code, how = {}) {
  const { module = 4, width = 480, height = 360, x = width / 2, y = height / 2 } = how;
  const gray = new Float32Array(width * height).fill(how.around ?? 210);
  paint(gray, width, code, { ...how, module, width, height, x, y });
  return finish(gray, { ...how, width, height });
}

/** Several codes, each with its own place. */
export function pictureOf(codes, how) {
  const gray = new Float32Array(how.width * how.height).fill(210);
  for (const { code, ...own } of codes) paint(gray, how.width, code, { module: 3, ...how, ...own });
  return finish(gray, how);
}

/** Draws each pixel from four points in it. */
function paint(gray, width, code, how) {
  const { module, x: middleX, y: middleY, angle = 0, tilt = [0, 0], tones = [30, 220], bend = 0 } = how;
  const [tiltX, tiltY, turn] = [...tilt, angle].map((degrees) => (degrees * Math.PI) / 180);
  const half = code.size / 2;
  const distance = 3 * code.size;
  // Around one axis after the other, then seen from a distance.
  const project = (u, v) => {
    const turned = [u * Math.cos(turn) - v * Math.sin(turn), u * Math.sin(turn) + v * Math.cos(turn)];
    const depth = turned[0] * Math.sin(tiltY) + turned[1] * Math.sin(tiltX);
    const scale = (distance * module) / (distance + depth);
    return [middleX + turned[0] * Math.cos(tiltY) * scale, middleY + turned[1] * Math.cos(tiltX) * scale];
  };
  const edge = half + MARGIN;
  const corners = [[-edge, -edge], [edge, -edge], [edge, edge], [-edge, edge]];
  const back = homography(corners.map(([u, v]) => project(u, v)), corners);
  const at = (pixelX, pixelY) => {
    const divisor = back[6] * pixelX + back[7] * pixelY + 1;
    let u = (back[0] * pixelX + back[1] * pixelY + back[2]) / divisor;
    const v = (back[3] * pixelX + back[4] * pixelY + back[5]) / divisor;
    if (how.mirrored) u = -u;
    if (Math.abs(u) > edge || Math.abs(v) > edge) return -1;
    const bent = u + bend * Math.cos((v / edge) * (Math.PI / 2));
    const [column, row] = [Math.floor(bent + half), Math.floor(v + half)];
    for (const [left, top, side, tone] of how.stains ?? [])
      if (u + half >= left && u + half < left + side && v + half >= top && v + half < top + side) return tone;
    const isIn = column >= 0 && row >= 0 && column < code.size && row < code.size;
    return tones[isIn && code.dark[row * code.size + column] === 1 ? 0 : 1];
  };
  for (let index = 0; index < gray.length; index += 1) {
    const [left, top] = [index % width, Math.floor(index / width)];
    let sum = 0;
    for (const [dx, dy] of [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]) {
      const tone = at(left + dx, top + dy);
      sum += tone < 0 ? gray[index] : tone;
    }
    gray[index] = sum / 4;
  }
}

/** The eight numbers that lead from four points to four others. */
function homography(from, to) {
  const rows = from.flatMap(([x, y], at) => {
    const [u, v] = to[at];
    return [
      [x, y, 1, 0, 0, 0, -u * x, -u * y, u],
      [0, 0, 0, x, y, 1, -v * x, -v * y, v],
    ];
  });
  for (let pivot = 0; pivot < 8; pivot += 1) {
    const best = rows.slice(pivot).reduce((a, b) => (Math.abs(b[pivot]) > Math.abs(a[pivot]) ? b : a));
    rows.splice(rows.indexOf(best), 1);
    rows.splice(pivot, 0, best.map((value) => value / best[pivot]));
    for (let row = 0; row < 8; row += 1)
      if (row !== pivot) rows[row] = rows[row].map((value, at) => value - rows[row][pivot] * rows[pivot][at]);
  }
  return rows.map((row) => row[8]);
}

/** Blur, shade and noise, then pixels as a canvas has them. */
function finish(gray, { width, height, blur = 0, shade = 0, noise = 0, seed = 1 }) {
  const random = randomFrom(seed);
  const blurred = blur > 0 ? blurWith(gray, width, height, blur) : gray;
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < blurred.length; at += 1) {
    const light = 1 - (shade * (at % width)) / width;
    const grain = noise * (random() + random() + random() + random() - 2) * Math.sqrt(3);
    pixels.fill(blurred[at] * light + grain, at * 4, at * 4 + 3);
    pixels[at * 4 + 3] = 255;
  }
  return { pixels, width, height };
}

function blurWith(gray, width, height, deviation) {
  const reach = Math.ceil(deviation * 3);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, at) => Math.exp(-((at - reach) ** 2) / (2 * deviation ** 2)));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const along = (from, step, length, of) => {
    const to = new Float32Array(from.length);
    for (let index = 0; index < from.length; index += 1) {
      const place = of(index);
      let sum = 0;
      for (let offset = -reach; offset <= reach; offset += 1) {
        const near = Math.min(Math.max(place + offset, 0), length - 1);
        sum += weights[offset + reach] * from[index + (near - place) * step];
      }
      to[index] = sum / all;
    }
    return to;
  };
  const across = along(gray, 1, width, (index) => index % width);
  return along(across, width, height, (index) => Math.floor(index / width));
}
