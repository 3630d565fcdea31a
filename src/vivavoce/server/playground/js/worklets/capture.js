// @ts-check
/* eslint-env worklet */
import { Resampler } from "../resample.js";

const RATE = 24000;
const FRAME = 480;

/** Takes the microphone and posts frames of 20 ms: PCM16, mono, 24 kHz. */
class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    if (!input.length) return true;
    for (const sample of this.resampler.push(input[0])) {
      this.frame[this.filled] = Math.max(-1, Math.min(1, sample)) * 32767;
      this.filled += 1;
      if (this.filled === FRAME) {
        this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
        this.frame = new Int16Array(FRAME);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
