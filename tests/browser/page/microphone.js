// PCM16 in pieces of 40 ms at 24 kHz, as `sendAudio` takes it.
class Microphone extends AudioWorkletProcessor {
  #piece = new Int16Array(960);
  #filled = 0;

  process([input]) {
    for (const sample of input[0] ?? []) {
      this.#piece[this.#filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
      if (this.#filled === this.#piece.length) {
        this.port.postMessage(this.#piece.slice());
        this.#filled = 0;
      }
    }
    return true;
  }
}
registerProcessor('microphone', Microphone);
