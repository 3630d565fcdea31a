// @ts-check
import { Emitter } from "./emitter.js";
import { fromBase64 } from "./pcm.js";
import { Recording } from "./recording.js";

const CLEAR_WAIT_MS = 300;

/**
 * Ears and mouth of the page: takes the microphone, plays the agent, shows how loud both are, records both.
 *
 * Tells `frame` (an ArrayBuffer of 20 ms, PCM16 at 24 kHz), `began` and `idle` (the id of the item that is played).
 */
export class Audio extends Emitter {
  /** @type {AudioContext} */ #context;
  /** @type {MediaStreamAudioSourceNode | null} */ #microphone = null;
  /** @type {MediaStreamAudioSourceNode | null} */ #remote = null;
  /** @type {Map<number, (heard: Heard) => void>} */ #clearing = new Map();
  #clears = 0;

  /**
   * Open the audio of the page. Call it in answer to a click, or browsers keep it silent.
   * @param {Recording | null} before what is recorded comes after this
   */
  static async open(before) {
    const context = new AudioContext({ latencyHint: "interactive" });
    const base = new URL("worklets/", import.meta.url);
    const modules = ["capture.js", "player.js", "recorder.js"];
    await Promise.all(modules.map((name) => context.audioWorklet.addModule(new URL(name, base).href)));
    await context.resume();
    return new Audio(context, before);
  }

  /**
   * @param {AudioContext} context
   * @param {Recording | null} before
   */
  constructor(context, before) {
    super();
    this.#context = context;
    this.capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    this.player = new AudioWorkletNode(context, "player", { numberOfInputs: 0, outputChannelCount: [1] });
    this.recorder = new AudioWorkletNode(context, "recorder", { numberOfInputs: 2, numberOfOutputs: 0 });
    this.recording = new Recording(this.recorder.port, before);
    this.ears = new Meter(context);
    this.mouth = new Meter(context);
    this.player.connect(context.destination);
    this.player.connect(this.mouth.node);
    this.player.connect(this.recorder, 0, 1);
    this.capture.port.onmessage = ({ data }) => this.emit("frame", data);
    this.player.port.onmessage = ({ data }) => this.#heard(data);
  }

  /** Something to send where there is no microphone: silence. */
  silence() {
    return this.#context.createMediaStreamDestination().stream;
  }

  /**
   * Listen to a microphone, in the place of the one before.
   * @param {MediaStream | null} stream
   */
  listen(stream) {
    this.#microphone?.disconnect();
    this.#microphone = stream && this.#context.createMediaStreamSource(stream);
    for (const node of [this.capture, this.ears.node]) this.#microphone?.connect(node);
    this.#microphone?.connect(this.recorder, 0, 0);
  }

  /**
   * Play a stream of the other side. An <audio> element plays it: without one Chromium gives WebAudio silence.
   * @param {MediaStream} stream
   * @param {HTMLAudioElement} element
   */
  attach(stream, element) {
    element.srcObject = stream;
    void element.play().catch(() => undefined);
    this.#remote?.disconnect();
    this.#remote = this.#context.createMediaStreamSource(stream);
    this.#remote.connect(this.mouth.node);
    this.#remote.connect(this.recorder, 0, 1);
  }

  /**
   * Play a piece of an item, behind what waits already.
   * @param {string} base64 PCM16 at 24 kHz
   * @param {string} item
   */
  play(base64, item) {
    const samples = fromBase64(base64);
    this.player.port.postMessage({ push: samples, item }, [samples.buffer]);
  }

  /**
   * Play nothing more of what waits.
   * @returns {Promise<Heard>} what was heard
   */
  clear() {
    const id = (this.#clears += 1);
    return new Promise((resolve) => {
      // A context that is suspended does not answer.
      const timer = setTimeout(() => this.#heard({ cleared: id, item: "", ms: 0, sounding: false }), CLEAR_WAIT_MS);
      this.#clearing.set(id, (heard) => {
        clearTimeout(timer);
        resolve(heard);
      });
      this.player.port.postMessage({ clear: id });
    });
  }

  /** @param {any} told */
  #heard(told) {
    if (told.began) this.emit("began", told.began);
    else if (told.idle) this.emit("idle", told.idle);
    else if (told.cleared) {
      const latency = (this.#context.outputLatency || 0) * 1000;
      const ms = Math.max(0, Math.floor(told.ms - latency));
      this.#clearing.get(told.cleared)?.({ item: told.item, ms, sounding: told.sounding });
      this.#clearing.delete(told.cleared);
    }
  }

  /** Free everything. What was recorded stays. */
  async close() {
    await this.recording.flush();
    this.listen(null);
    this.#remote?.disconnect();
    await this.#context.close();
  }
}

/** @typedef {{item: string, ms: number, sounding: boolean}} Heard what was heard of an item when it was stopped */

/** Says how loud something is. */
class Meter {
  /** @param {AudioContext} context */
  constructor(context) {
    this.node = new AnalyserNode(context, { fftSize: 1024, smoothingTimeConstant: 0 });
    this.samples = new Float32Array(1024);
  }

  /** Loudness now: 0 is silence (-60 dBFS), 1 is as loud as it gets (-10 dBFS). */
  level() {
    this.node.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    const dbfs = 10 * Math.log10(sum / this.samples.length + 1e-12);
    return Math.max(0, Math.min(1, (dbfs + 60) / 50));
  }
}
