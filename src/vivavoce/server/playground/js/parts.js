// @ts-check
import { Conversation } from "./conversation.js";
import { EventsLog } from "./events_log.js";
import { Responder } from "./responder.js";
import { Timeline } from "./timeline.js";
import { add, tokensOf } from "./usage.js";

/** Everything that is told of the events of a call, and outlives its connection. */
export class Parts {
  /** @type {Date} */ started = new Date();
  #epoch = performance.now();
  /** @type {import("./usage.js").Tokens} */ tokens = {};
  responses = 0;
  /** @type {import("./recording.js").Recording | null} */ recording = null;

  /**
   * @param {(event: object) => void} send
   * @param {(name: string) => import("./tools.js").Reply | undefined} replyOf
   */
  constructor(send, replyOf) {
    const now = () => this.now;
    this.conversation = new Conversation(now);
    this.timeline = new Timeline(now);
    this.log = new EventsLog(now);
    this.responder = new Responder(send, replyOf, this.conversation);
  }

  /** Seconds since the conversation began. */
  get now() {
    return (performance.now() - this.#epoch) / 1000;
  }

  /**
   * Take an event of the server: what is shown first, then who answers.
   * @param {any} event
   */
  receive(event) {
    this.log.add("server", event);
    this.conversation.receive(event);
    this.timeline.receive(event);
    this.responder.receive(event);
    if (event.type === "response.done") {
      this.responses += 1;
      add(this.tokens, tokensOf(event.response.usage));
    }
  }

  /** Begin anew. */
  clear() {
    this.started = new Date();
    this.#epoch = performance.now();
    this.tokens = {};
    this.responses = 0;
    this.recording = null;
    this.responder.clear();
    this.conversation.clear();
    this.timeline.clear();
    this.log.clear();
    this.log.dropped = 0;
  }
}
