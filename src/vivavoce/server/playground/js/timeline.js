// @ts-check
import { Emitter } from "./emitter.js";

/** Stages of an answer as the server names them, in their order, and what a person calls them. */
export const STAGES = {
  end_of_speech: "You stopped",
  asked: "Asked",
  end_of_turn: "Turn over",
  transcript: "Transcript",
  first_token: "First word",
  first_audio: "First sound",
  heard: "Heard here",
};

/**
 * @typedef {object} Turn one answer
 * @property {string} id of the response
 * @property {number} at seconds since the conversation began
 * @property {Record<string, number>} stages milliseconds from the first
 * @property {number | null} waitedMs until it was heard here, since the page knew of the question
 * @property {string} status
 * @property {string} reason
 * @property {any} usage
 * @property {string[]} items
 *
 * @typedef {{lane: "you" | "agent" | "tool", from: number, to: number | null, cut?: boolean}} Span
 */

/** When who spoke, and how long each answer took. Tells `change` (a turn, or nothing for the lanes). */
export class Timeline extends Emitter {
  /** @type {Turn[]} */ turns = [];
  /** @type {Span[]} */ spans = [];
  #askedAt = 0;
  #spoken = false;

  /** @param {() => number} now seconds since the conversation began */
  constructor(now) {
    super();
    this.now = now;
  }

  /** Forget everything. */
  clear() {
    this.turns = [];
    this.spans = [];
    this.emit("change");
  }

  /**
   * Take an event of the server.
   * @param {any} event
   */
  receive(event) {
    if (event.type === "input_audio_buffer.speech_started") this.begin("you");
    else if (event.type === "input_audio_buffer.speech_stopped") this.asked(true);
    else if (event.type === "response.created") this.#created(event.response.id);
    else if (event.type === "response.output_item.done" && /_call$/.test(event.item.type)) this.#called();
    else if (event.type === "response.done") this.#done(event);
  }

  /**
   * The person has asked for an answer: from now on they wait.
   * @param {boolean} spoken
   * @param {number} [at] since when, where that was before now
   */
  asked(spoken, at = this.now()) {
    this.end("you");
    this.#askedAt = at;
    this.#spoken = spoken;
  }

  /** @param {"you" | "agent" | "tool"} lane */
  begin(lane) {
    if (this.#last(lane)?.to === null) return;
    this.spans.push({ lane, from: this.now(), to: null });
    this.emit("change");
  }

  /**
   * @param {"you" | "agent" | "tool"} lane
   * @param {boolean} [cut] it was cut off
   */
  end(lane, cut = false) {
    const span = this.#last(lane);
    if (!span || span.to !== null) return;
    span.to = this.now();
    if (cut) span.cut = true;
    this.emit("change");
  }

  /** The agent can be heard now. */
  heard() {
    this.begin("agent");
    const turn = this.turns[this.turns.length - 1];
    if (!turn || turn.stages.heard !== undefined || !this.#askedAt) return;
    turn.waitedMs = (this.now() - this.#askedAt) * 1000;
    turn.stages.heard = this.#heardAt(turn, turn.stages);
    this.emit("change", turn);
  }

  /** @param {string} lane */
  #last(lane) {
    return this.spans.filter((span) => span.lane === lane).pop();
  }

  /** @param {string} id */
  #created(id) {
    const turn = { id, at: this.now(), stages: {}, waitedMs: null, status: "in_progress", reason: "", usage: null, items: [] };
    this.turns.push(turn);
    this.emit("change", turn);
  }

  #called() {
    const at = this.now();
    this.spans.push({ lane: "tool", from: at, to: at });
    this.emit("change");
  }

  /**
   * When a turn was heard here, on the server's scale. It is counted from when the page knew of the question: the
   * server's own beginning is earlier by the way here, which the page cannot know; but never was heard what was not made.
   * @param {Turn} turn
   * @param {Record<string, number>} stages of the server
   */
  #heardAt(turn, stages) {
    const began = this.#spoken ? stages.end_of_turn ?? 0 : 0;
    return Math.max((turn.waitedMs ?? 0) + began, stages.first_audio ?? 0);
  }

  /** @param {any} event */
  #done({ response, stage_times: stages = {} }) {
    const turn = this.turns.find((one) => one.id === response.id);
    if (!turn) return;
    turn.stages = { ...stages };
    if (turn.waitedMs !== null) turn.stages.heard = this.#heardAt(turn, stages);
    turn.status = response.status;
    turn.reason = response.status_details?.reason ?? response.status_details?.error?.message ?? "";
    turn.usage = response.usage;
    turn.items = response.output.map((/** @type {any} */ item) => item.id);
    this.emit("change", turn);
  }
}
