// @ts-check

const SIDE = 12;
const PHASES = 128;

/** Changes the rate of a stream of samples, piece by piece, with a windowed sinc that keeps aliases out. */
export class Resampler {
  /**
   * @param {number} from samples per second that come in
   * @param {number} to samples per second that go out
   */
  constructor(from, to) {
    this.step = from / to;
    const cutoff = Math.min(1, to / from);
    this.side = Math.ceil(SIDE / cutoff);
    this.kernel = kernel(this.side, cutoff);
    this.waiting = new Float32Array(this.side);
    this.position = this.side;
    this.same = from === to;
  }

  /**
   * Take samples, and return what can be said of the other rate by now.
   * @param {Float32Array} samples
   * @returns {Float32Array}
   */
  push(samples) {
    if (this.same) return samples;
    const { side, kernel, step } = this;
    const all = new Float32Array(this.waiting.length + samples.length);
    all.set(this.waiting);
    all.set(samples, this.waiting.length);
    const last = all.length - side - 1;
    const made = new Float32Array(Math.max(0, Math.floor((last - this.position) / step) + 1));
    let at = this.position;
    for (let n = 0; n < made.length; n += 1, at += step) {
      const whole = Math.floor(at);
      const row = Math.round((at - whole) * PHASES) * 2 * side;
      let sum = 0;
      for (let tap = 0; tap < 2 * side; tap += 1) sum += all[whole - side + 1 + tap] * kernel[row + tap];
      made[n] = sum;
    }
    const kept = Math.max(0, Math.floor(at) - side);
    this.waiting = all.slice(kept);
    this.position = at - kept;
    return made;
  }
}

/**
 * @param {number} side taps on either side
 * @param {number} cutoff of the lower rate, as a share of the rate that comes in
 */
function kernel(side, cutoff) {
  const table = new Float32Array((PHASES + 1) * 2 * side);
  for (let phase = 0; phase <= PHASES; phase += 1) {
    const row = table.subarray(phase * 2 * side, (phase + 1) * 2 * side);
    let sum = 0;
    for (let tap = 0; tap < row.length; tap += 1) {
      const x = tap - side + 1 - phase / PHASES;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / side);
      const angle = Math.PI * x * cutoff * 0.94;
      row[tap] = (angle === 0 ? 1 : Math.sin(angle) / angle) * (Math.abs(x) < side ? window : 0);
      sum += row[tap];
    }
    for (let tap = 0; tap < row.length; tap += 1) row[tap] /= sum;
  }
  return table;
}
