// @ts-check
import { Emitter } from "./emitter.js";

const DENIED = "The person did not approve this call.";
const TOOLS = new Set(["call", "mcp", "approval"]);

/**
 * @typedef {object} Call a call of a tool that waits, or has been answered
 * @property {string} id of its item
 * @property {"running" | "asking" | "typing" | "done" | "denied" | "lost"} state
 */

/**
 * Answers the calls of function tools, asks about those that want it, and asks for the response that follows.
 *
 * A response is asked for when all calls of the one before are answered and it is over: the server runs one at a time.
 * Tells `change` (the id of an item), `waiting` (how many calls wait for the person).
 */
export class Responder extends Emitter {
  /** @type {Map<string, Call>} by item */ calls = new Map();
  /** @type {Map<string, Set<string>>} unanswered items of responses */ #open = new Map();
  /** @type {Set<string>} responses that called something */ #calling = new Set();
  /** @type {Map<string, string>} items of MCP calls, and their responses */ #mcp = new Map();
  #running = "";
  #wanted = false;

  /**
   * @param {(event: object) => void} send
   * @param {(name: string) => import("./tools.js").Reply | undefined} replyOf
   * @param {import("./conversation.js").Conversation} conversation
   */
  constructor(send, replyOf, conversation) {
    super();
    this.send = send;
    this.replyOf = replyOf;
    this.conversation = conversation;
  }

  /** Whether a response is being made. */
  get busy() {
    return this.#running !== "";
  }

  /** Ask for a response, now or when the one that runs is over. */
  respond() {
    if (this.#running) this.#wanted = true;
    else this.send({ type: "response.create" });
  }

  /**
   * Take an event of the server.
   * @param {any} event
   */
  receive(event) {
    if (event.type === "response.created") this.#running = event.response.id;
    else if (event.type === "response.output_item.done") this.#item(event.item, event.response_id);
    else if (event.type === "conversation.item.done") this.#settled(event.item);
    else if (event.type === "response.done") this.#done(event.response);
  }

  /**
   * The person has decided.
   * @param {string} id of the item that asks
   * @param {boolean} approve
   */
  decide(id, approve) {
    const item = this.conversation.get(id)?.item;
    const call = this.calls.get(id);
    if (!item || call?.state !== "asking") return;
    if (item.type === "mcp_approval_request") {
      this.send({
        type: "conversation.item.create",
        item: { type: "mcp_approval_response", approval_request_id: id, approve },
      });
      this.#set(id, approve ? "done" : "denied");
      // A call that was denied is over; nothing else will be told of it.
      if (!approve) this.respond();
    } else if (approve) this.answer(id, this.replyOf(item.name)?.reply ?? "{}");
    else this.answer(id, DENIED, "denied");
  }

  /**
   * Answer a call.
   * @param {string} id of its item
   * @param {string} output
   * @param {"done" | "denied"} [state]
   */
  answer(id, output, state = "done") {
    const entry = this.conversation.get(id);
    const call = this.calls.get(id);
    if (!entry || !call || !["running", "asking", "typing"].includes(call.state)) return;
    this.send({
      type: "conversation.item.create",
      item: { type: "function_call_output", call_id: entry.item.call_id, output },
    });
    entry.item = { ...entry.item, output };
    this.#set(id, state);
    this.#answered(id, entry.responseId);
  }

  /** Forget everything. */
  clear() {
    this.reset();
    this.calls.clear();
  }

  /** The connection is gone: nobody waits for what was not answered, and nobody will answer. */
  reset() {
    for (const entry of this.conversation.entries) {
      const state = this.calls.get(entry.id)?.state;
      if (TOOLS.has(entry.kind) && state !== "done" && state !== "denied" && !over(entry.item)) this.#set(entry.id, "lost");
    }
    this.#open.clear();
    this.#calling.clear();
    this.#mcp.clear();
    this.#running = "";
    this.#wanted = false;
    this.emit("waiting", 0);
  }

  /**
   * @param {any} item
   * @param {string} responseId
   */
  #item(item, responseId) {
    if (item.type === "mcp_call") {
      this.#calling.add(responseId);
      if (!over(item)) {
        this.#mcp.set(item.id, responseId);
        this.#unanswered(responseId).add(item.id);
      }
    }
    if (item.type !== "function_call" || item.status !== "completed" || this.calls.has(item.id)) return;
    this.#calling.add(responseId);
    this.#unanswered(responseId).add(item.id);
    const reply = this.replyOf(item.name) ?? { mode: "type", reply: "{}" };
    /** @type {Record<string, Call["state"]>} */
    const states = { ask: "asking", type: "typing", fixed: "running" };
    this.#set(item.id, states[reply.mode]);
    if (reply.mode === "fixed") this.answer(item.id, reply.reply);
  }

  /**
   * Something the server does itself: it asks, or it has called.
   * @param {any} item
   */
  #settled(item) {
    if (item.type === "mcp_approval_request" && !this.calls.has(item.id)) this.#set(item.id, "asking");
    const responseId = item.type === "mcp_call" && over(item) ? this.#mcp.get(item.id) : undefined;
    if (responseId) this.#answered(item.id, responseId);
  }

  /** @param {any} response */
  #done(response) {
    if (response.id === this.#running) this.#running = "";
    if (response.status === "cancelled") {
      // The person went on: what they say now is answered, and what was called is told with it.
      this.#calling.delete(response.id);
      this.#open.delete(response.id);
    }
    if (this.#wanted) {
      this.#wanted = false;
      this.respond();
    } else this.#goOn(response.id);
  }

  /**
   * @param {string} id
   * @param {string} responseId
   */
  #answered(id, responseId) {
    this.#open.get(responseId)?.delete(id);
    if (this.#running !== responseId) this.#goOn(responseId);
  }

  /** @param {string} responseId */
  #goOn(responseId) {
    if (!this.#calling.has(responseId) || this.#open.get(responseId)?.size) return;
    this.#calling.delete(responseId);
    this.#open.delete(responseId);
    this.respond();
  }

  /** @param {string} responseId */
  #unanswered(responseId) {
    const known = this.#open.get(responseId) ?? new Set();
    this.#open.set(responseId, known);
    return known;
  }

  /**
   * @param {string} id
   * @param {Call["state"]} state
   */
  #set(id, state) {
    this.calls.set(id, { id, state });
    this.emit("change", id);
    const waiting = [...this.calls.values()].filter((call) => call.state === "asking" || call.state === "typing");
    this.emit("waiting", waiting.length);
  }
}

/** @param {any} item of a call */
function over(item) {
  return (item.output ?? null) !== null || (item.error ?? null) !== null;
}
