// @ts-check
/**
 * Pictures in gray, and which of their pixels are dark beside what is around them.
 *
 * What is dark in the sun is brighter than what is white in the shade, so each tile of the picture has its own
 * threshold. A tile without contrast, such as the middle of a large square, says nothing about it: then the
 * larger tile around it is asked, and so on up to the whole picture.
 */

/**
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array} gray
 * @property {Uint8Array} dark 1 or 0 for each pixel.
 * @property {Level[]} levels The finest first.
 * @property {Uint8Array} thresholds Of each tile of the finest level, smoothed.
 *
 * @typedef {object} Level Tiles, each twice as long as those of the level below.
 * @property {number} across
 * @property {number} down
 * @property {Uint8Array} low The darkest in each tile.
 * @property {Uint8Array} high The brightest.
 * @property {Uint8Array} thresholds
 */

const TILE_BITS = 3;
const TILE = 1 << TILE_BITS;
/** Less than this between the darkest and the brightest is one colour. */
const CONTRAST_MIN = 14;
/** However noisy a picture is: beyond this it is contrast. */
const CONTRAST_MIN_MAX = 72;

/** @param {number} width @param {number} height @returns {Picture} */
export function createPicture(width, height) {
  const pixels = width * height;
  /** @type {Level[]} */
  const levels = [];
  let across = Math.ceil(width / TILE);
  let down = Math.ceil(height / TILE);
  for (;;) {
    const tiles = () => new Uint8Array(across * down);
    levels.push({ across, down, low: tiles(), high: tiles(), thresholds: tiles() });
    if (across === 1 && down === 1) break;
    across = (across + 1) >> 1;
    down = (down + 1) >> 1;
  }
  const thresholds = new Uint8Array(levels[0].thresholds.length);
  return { width, height, gray: new Uint8Array(pixels), dark: new Uint8Array(pixels), levels, thresholds };
}

/** @param {Picture} picture @param {Uint8ClampedArray | Uint8Array} rgba */
export function drawRgba({ gray }, rgba) {
  for (let pixel = 0, at = 0; pixel < gray.length; pixel += 1, at += 4) {
    // ITU-R BT.601, in 256ths.
    gray[pixel] = (rgba[at] * 77 + rgba[at + 1] * 150 + rgba[at + 2] * 29) >> 8;
  }
}

/** The same at half the size: noise is averaged away. @param {Picture} picture @param {Picture} from */
export function drawHalf({ width, height, gray }, from) {
  for (let y = 0; y < height; y += 1) {
    let at = 2 * y * from.width;
    for (let x = 0; x < width; x += 1, at += 2) {
      const below = at + from.width;
      gray[y * width + x] = (from.gray[at] + from.gray[at + 1] + from.gray[below] + from.gray[below + 1]) >> 2;
    }
  }
}

/** Says of each pixel whether it is dark. @param {Picture} picture */
export function binarize(picture) {
  const { width, height, gray, dark, levels, thresholds } = picture;
  measureTiles(picture);
  for (let level = 1; level < levels.length; level += 1) measureLevel(levels[level - 1], levels[level]);
  const noise = noiseOf(levels[0]);
  for (let level = levels.length - 1; level >= 0; level -= 1)
    chooseThresholds(levels[level], levels[level + 1], contrastOf(noise, level));
  smooth(levels[0], thresholds);
  const { across } = levels[0];
  for (let y = 0; y < height; y += 1) {
    const row = (y >> TILE_BITS) * across;
    const end = (y + 1) * width;
    let at = y * width;
    for (let tile = row; tile < row + across; tile += 1) {
      const threshold = thresholds[tile];
      for (const next = Math.min(at + TILE, end); at < next; at += 1) dark[at] = gray[at] < threshold ? 1 : 0;
    }
  }
}

/**
 * How much brighter than its threshold a point is; negative if it is dark. Between pixels it is interpolated.
 *
 * @param {Picture} picture
 * @param {number} x The middle of the first pixel is at 0.5.
 * @param {number} y
 */
export function brightnessAt({ width, height, gray, thresholds, levels }, x, y) {
  const left = Math.min(Math.max(x - 0.5, 0), width - 1.001);
  const top = Math.min(Math.max(y - 0.5, 0), height - 1.001);
  const column = left | 0;
  const row = top | 0;
  const at = row * width + column;
  const partX = left - column;
  const upper = gray[at] + (gray[at + 1] - gray[at]) * partX;
  const lower = gray[at + width] + (gray[at + width + 1] - gray[at + width]) * partX;
  return (
    upper + (lower - upper) * (top - row) -
    thresholds[(row >> TILE_BITS) * levels[0].across + (column >> TILE_BITS)]
  );
}

/** The darkest and brightest of each tile, of four pixels averaged: a single one may be noise. @param {Picture} picture */
function measureTiles({ width, height, gray, levels }) {
  const { across, down, low, high } = levels[0];
  for (let tileY = 0; tileY < down; tileY += 1) {
    // The last tiles may reach over the edge: they are moved in.
    const top = Math.max(Math.min(tileY * TILE, height - TILE), 0);
    const bottom = Math.min(top + TILE, height) - 1;
    for (let tileX = 0; tileX < across; tileX += 1) {
      const left = Math.max(Math.min(tileX * TILE, width - TILE), 0);
      const right = Math.min(left + TILE, width) - 1;
      let least = 1020;
      let most = 0;
      for (let y = top; y < bottom; y += 2) {
        const end = y * width + right;
        for (let at = y * width + left; at < end; at += 2) {
          const sum = gray[at] + gray[at + 1] + gray[at + width] + gray[at + width + 1];
          if (sum < least) least = sum;
          if (sum > most) most = sum;
        }
      }
      low[tileY * across + tileX] = least >> 2;
      high[tileY * across + tileX] = most >> 2;
    }
  }
}

/** @param {Level} finer @param {Level} coarser */
function measureLevel(finer, coarser) {
  const { across, down, low, high } = coarser;
  for (let y = 0; y < down; y += 1) {
    const upper = 2 * y * finer.across;
    const lower = Math.min(2 * y + 1, finer.down - 1) * finer.across;
    for (let x = 0; x < across; x += 1) {
      const left = 2 * x;
      const right = Math.min(left + 1, finer.across - 1);
      const at = y * across + x;
      const { low: l, high: h } = finer;
      low[at] = Math.min(l[upper + left], l[upper + right], l[lower + left], l[lower + right]);
      high[at] = Math.max(h[upper + left], h[upper + right], h[lower + left], h[lower + right]);
    }
  }
}

const counts = new Uint32Array(256);

/**
 * How much noise alone makes a tile differ: most pictures have places of one colour, and what differs there is noise.
 *
 * @param {Level} level
 */
function noiseOf({ low, high }) {
  counts.fill(0);
  for (let tile = 0; tile < low.length; tile += 1) counts[high[tile] - low[tile]] += 1;
  let quarter = low.length >> 2;
  let noise = 0;
  while (noise < 255 && quarter >= counts[noise]) {
    quarter -= counts[noise];
    noise += 1;
  }
  return noise;
}

/**
 * What is contrast and no noise. What is far from the mean is seldom, and larger tiles have more of it.
 *
 * @param {number} noise
 * @param {number} level
 */
const contrastOf = (noise, level) =>
  Math.min(Math.max(noise * Math.min(2 + level / 4, 3), CONTRAST_MIN), CONTRAST_MIN_MAX);

/** @param {Level} level @param {Level | undefined} coarser @param {number} contrastMin */
function chooseThresholds({ across, down, low, high, thresholds }, coarser, contrastMin) {
  for (let y = 0; y < down; y += 1) {
    const top = Math.max(y - 1, 0);
    const bottom = Math.min(y + 1, down - 1);
    for (let x = 0; x < across; x += 1) {
      const left = Math.max(x - 1, 0);
      const right = Math.min(x + 1, across - 1);
      let least = 255;
      let most = 0;
      for (let row = top; row <= bottom; row += 1) {
        for (let at = row * across + left; at <= row * across + right; at += 1) {
          if (low[at] < least) least = low[at];
          if (high[at] > most) most = high[at];
        }
      }
      const hasContrast = coarser === undefined || most - least >= contrastMin;
      thresholds[y * across + x] = hasContrast
        ? (least + most + 1) >> 1
        : coarser.thresholds[(y >> 1) * coarser.across + (x >> 1)];
    }
  }
}

/** Tiles do not end with a step. @param {Level} level @param {Uint8Array} smoothed */
function smooth({ across, down, thresholds }, smoothed) {
  for (let y = 0; y < down; y += 1) {
    const upper = Math.max(y - 1, 0) * across;
    const middle = y * across;
    const lower = Math.min(y + 1, down - 1) * across;
    for (let x = 0; x < across; x += 1) {
      const left = Math.max(x - 1, 0);
      const right = Math.min(x + 1, across - 1);
      smoothed[middle + x] =
        (thresholds[upper + left] + thresholds[upper + x] + thresholds[upper + right] +
          thresholds[middle + left] + thresholds[middle + x] + thresholds[middle + right] +
          thresholds[lower + left] + thresholds[lower + x] + thresholds[lower + right]) / 9;
    }
  }
}
