// @ts-check
/* eslint-env worklet */
import { Resampler } from "../resample.js";

const RATE = 24000;
const AHEAD_S = 0.06;
const FADE_S = 0.006;

/**
 * Plays what the agent says, and knows to the sample how much of it has been played.
 *
 * In: `{push: samples, item}`, `{clear: id}`. Out: `{began: item}`, `{idle: item}`, and
 * `{cleared: id, item, ms, sounding}`: how much of which item was heard, and whether it still sounded.
 */
class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    /** @type {{item: string, samples: Float32Array, at: number}[]} */
    this.queue = [];
    this.queued = 0;
    this.waited = 0;
    this.playing = false;
    this.item = "";
    this.played = 0;
    this.incoming = "";
    this.resampler = new Resampler(RATE, sampleRate);
    this.port.onmessage = ({ data }) => (data.push ? this.push(data.push, data.item) : this.clear(data.clear));
  }

  /**
   * @param {Float32Array} samples
   * @param {string} item
   */
  push(samples, item) {
    if (item !== this.incoming) {
      this.incoming = item;
      this.resampler = new Resampler(RATE, sampleRate);
    }
    const made = this.resampler.push(samples);
    this.queue.push({ item, samples: made, at: 0 });
    this.queued += made.length;
  }

  /** @param {number} id */
  clear(id) {
    const item = this.queue[0]?.item ?? this.item;
    const ms = item === this.item ? (this.played * 1000) / sampleRate : 0;
    this.port.postMessage({ cleared: id, item, ms, sounding: this.queue.length > 0 });
    this.queue = this.playing ? this.fading() : [];
    this.queued = this.queue.length ? this.queue[0].samples.length : 0;
    this.incoming = "";
  }

  /** What is left to hear, so that it ends without a click. */
  fading() {
    const head = this.queue[0];
    if (!head) return [];
    const samples = head.samples.slice(head.at, head.at + Math.round(FADE_S * sampleRate));
    samples.forEach((sample, n) => (samples[n] = sample * (1 - n / samples.length)));
    return [{ item: head.item, samples, at: 0 }];
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, [[output]]) {
    const resumes = !this.playing;
    if (resumes) {
      this.waited += this.queued ? output.length : 0;
      if (!this.queued || (this.queued < AHEAD_S * sampleRate && this.waited < AHEAD_S * sampleRate)) return true;
      this.playing = true;
    }
    // Also after a gap in the middle of an item, where more of it came too late.
    if (resumes && this.queue[0].item === this.item) this.port.postMessage({ began: this.item });
    let filled = 0;
    while (filled < output.length && this.queue.length) {
      const head = this.queue[0];
      if (head.item !== this.item) {
        this.item = head.item;
        this.played = 0;
        this.port.postMessage({ began: head.item });
      }
      const piece = head.samples.subarray(head.at, head.at + output.length - filled);
      output.set(piece, filled);
      filled += piece.length;
      head.at += piece.length;
      this.played += piece.length;
      this.queued -= piece.length;
      if (head.at >= head.samples.length) this.queue.shift();
    }
    if (!this.queue.length) {
      this.playing = false;
      this.waited = 0;
      this.port.postMessage({ idle: this.item });
    }
    return true;
  }
}

registerProcessor("player", Player);
