// @ts-check
/* eslint-env worklet */
import { Resampler } from "../resample.js";

const RATE = 24000;
const PIECE = RATE / 2;

/** Writes down both sides on one timeline: the person on the left, the agent on the right, PCM16 at 24 kHz. */
class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.sides = [new Resampler(sampleRate, RATE), new Resampler(sampleRate, RATE)];
    this.silence = new Float32Array(128);
    this.piece = new Int16Array(PIECE * 2);
    this.filled = 0;
    this.port.onmessage = ({ data }) => {
      this.post();
      this.port.postMessage({ flushed: data.flush });
    };
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const [person, agent] = this.sides.map((side, n) => side.push(inputs[n].length ? mono(inputs[n]) : this.silence));
    for (let n = 0; n < person.length; n += 1) {
      this.piece[this.filled * 2] = clipped(person[n]);
      this.piece[this.filled * 2 + 1] = clipped(agent[n]);
      this.filled += 1;
      if (this.filled === PIECE) this.post();
    }
    return true;
  }

  post() {
    const done = this.piece.slice(0, this.filled * 2);
    this.port.postMessage({ piece: done.buffer }, [done.buffer]);
    this.filled = 0;
  }
}

/** @param {Float32Array[]} channels */
function mono(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((sample, n) => (sample + channels[1][n]) / 2);
}

/** @param {number} sample */
function clipped(sample) {
  return Math.max(-1, Math.min(1, sample)) * 32767;
}

registerProcessor("recorder", Recorder);
