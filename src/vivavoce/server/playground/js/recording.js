// @ts-check
import { wavHead } from "./pcm.js";

const RATE = 24000;
const CHANNELS = 2;
const LONGEST_S = 30 * 60;
const FLUSH_WAIT_MS = 300;

/** What both sides said, while it is said: stereo, the person on the left, the agent on the right. */
export class Recording {
  /** @type {Blob[]} */ #pieces = [];
  /** @type {(() => void)[]} */ #waiting = [];
  #bytes = 0;

  /**
   * @param {MessagePort} port of the recorder's worklet
   * @param {Recording | null} before what was recorded of the connection before
   */
  constructor(port, before) {
    this.port = port;
    if (before) [this.#pieces, this.#bytes] = [[...before.#pieces], before.#bytes];
    port.onmessage = ({ data }) => (data.piece ? this.#add(data.piece) : this.#flushed());
  }

  /** Seconds that are recorded. It ends by itself after half an hour: it is held in memory. */
  get seconds() {
    return this.#bytes / (RATE * CHANNELS * 2);
  }

  /** Take what the worklet has not handed over yet. */
  flush() {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#flushed(), FLUSH_WAIT_MS);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve(undefined);
      });
      this.port.postMessage({ flush: true });
    });
  }

  /** Everything up to now as a WAV file. */
  async wav() {
    await this.flush();
    return new Blob([wavHead(this.#bytes, RATE, CHANNELS), ...this.#pieces], { type: "audio/wav" });
  }

  /** @param {ArrayBuffer} piece */
  #add(piece) {
    if (this.seconds >= LONGEST_S || !piece.byteLength) return;
    this.#pieces.push(new Blob([piece]));
    this.#bytes += piece.byteLength;
  }

  #flushed() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
