// @ts-check
import { Emitter } from "./emitter.js";
import { bytesIn } from "./pcm.js";

const MOST = 5000;
const LONG_TEXT = 4000;
const SECRETS = new Set(["authorization", "api_key"]);

/**
 * @typedef {object} Logged one event, or a run of pieces of audio
 * @property {number} n which it is
 * @property {number} at seconds since the conversation began
 * @property {"client" | "server"} from
 * @property {string} type
 * @property {any} event without audio, long data and secrets
 * @property {number} count how many events this stands for
 * @property {number} bytes of audio in them
 * @property {string} words everything that can be searched for, in small letters
 */

/** The newest events of both directions. Tells `change` once for many. */
export class EventsLog extends Emitter {
  /** @type {Logged[]} */ entries = [];
  /** Events that were there and are not kept any more. */
  dropped = 0;
  #n = 0;
  /** @type {Map<string, Logged>} runs of audio that can grow */ #runs = new Map();
  #told = false;

  /** @param {() => number} now seconds since the conversation began */
  constructor(now) {
    super();
    this.now = now;
  }

  /**
   * Write an event down.
   * @param {"client" | "server"} from
   * @param {any} event
   */
  add(from, event) {
    const audio = event.type === "input_audio_buffer.append" ? "audio" : event.type === "response.output_audio.delta" ? "delta" : "";
    const key = audio && `${from} ${event.item_id ?? ""}`;
    const bytes = audio ? bytesIn(event[audio]) : 0;
    const run = audio ? this.#runs.get(key) : undefined;
    if (run) {
      run.count += 1;
      run.bytes += bytes;
      run.event = { ...run.event, [audio]: `${run.bytes} bytes` };
    } else {
      if (!audio) this.#runs.clear();
      const kept = audio ? { ...event, [audio]: `${bytes} bytes` } : cleaned(event);
      const words = audio ? event.type : JSON.stringify(kept).toLowerCase();
      const made = { n: (this.#n += 1), at: this.now(), from, type: event.type, event: kept, count: 1, bytes, words };
      this.entries.push(made);
      if (audio) this.#runs.set(key, made);
      if (this.entries.length > MOST * 1.1) this.dropped += this.entries.splice(0, this.entries.length - MOST).length;
    }
    this.#tell();
  }

  /** Forget everything. */
  clear() {
    this.dropped += this.entries.length;
    this.entries = [];
    this.#runs.clear();
    this.#tell();
  }

  /**
   * Everything as a recording that `vivavoce replay` reads: one JSON object in a line.
   * @param {Date} started
   * @param {string} wav name of the file of its sound
   */
  lines(started, wav) {
    const head = { recording: 1, started: started.toISOString(), wav };
    const lines = this.entries.map(({ at, from, event }) => ({ t: Math.round(at * 1e4) / 1e4, from, event }));
    return [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
  }

  #tell() {
    if (this.#told) return;
    this.#told = true;
    // Fifty times a second somebody speaks: the list is drawn less often.
    setTimeout(() => {
      this.#told = false;
      this.emit("change");
    }, 100);
  }
}

/**
 * An event as it may be kept: no secrets, nothing endless.
 * @param {any} value
 * @param {string} [key]
 * @returns {any}
 */
function cleaned(value, key = "") {
  if (typeof value === "string") {
    if (SECRETS.has(key)) return "hidden";
    if (key === "audio") return `${bytesIn(value)} bytes`;
    return value.length > LONG_TEXT ? `${value.slice(0, 60)}… (${value.length} characters)` : value;
  }
  if (Array.isArray(value)) return value.map((part) => cleaned(part, key));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, key === "headers" ? "hidden" : cleaned(part, name)]),
  );
}
