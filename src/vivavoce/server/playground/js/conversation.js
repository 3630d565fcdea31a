// @ts-check
import { Emitter } from "./emitter.js";

const SHORT_MS = 1000;
const WRITTEN = new Set(["input_text", "output_text", "text"]);

/**
 * @typedef {object} Entry one item of the conversation, as it is shown
 * @property {string} id
 * @property {"message" | "call" | "mcp" | "approval" | "note"} kind
 * @property {"user" | "assistant" | "system"} role
 * @property {string} text
 * @property {string | null} heard the words that were heard, where the rest was cut off
 * @property {number | null} heardMs how long it was heard, where it was cut off
 * @property {boolean} spoken
 * @property {boolean} transcribed its transcript has come, be it empty
 * @property {boolean} open more is to come
 * @property {string[]} images
 * @property {string} responseId
 * @property {number} at seconds since the conversation began
 * @property {any} item as the server has it
 * @property {string} failure
 */

/** What has been said, out of the events of the server. Tells `change` (an entry) and `gone` (an id). */
export class Conversation extends Emitter {
  /** @type {Entry[]} in order */
  entries = [];
  /** @type {Map<string, Entry>} */ #byId = new Map();
  /** @type {Map<string, number>} milliseconds of audio by item */ #audioMs = new Map();

  /** Whether the server writes down what the person says. */
  transcribes = true;

  /** @param {() => number} now seconds since the conversation began */
  constructor(now) {
    super();
    this.now = now;
  }

  /** @param {string} id */
  get(id) {
    return this.#byId.get(id);
  }

  /**
   * Note something that is no item: a connection, a list of tools.
   * @param {string} text
   */
  note(text) {
    const id = `note_${this.entries.length}_${Math.round(this.now() * 1000)}`;
    this.#put({ id, kind: "note", role: "system", text }, undefined);
  }

  /** Forget everything. */
  clear() {
    for (const { id } of this.entries.splice(0)) this.emit("gone", id);
    this.#byId.clear();
    this.#audioMs.clear();
  }

  /**
   * Take an event of the server.
   * @param {any} event
   */
  receive(event) {
    REDUCERS[event.type]?.(this, event);
  }

  /**
   * Note that so much audio of an item has come.
   * @param {string} id
   * @param {number} ms
   */
  addAudio(id, ms) {
    this.#audioMs.set(id, (this.#audioMs.get(id) ?? 0) + ms);
  }

  /**
   * Put an entry in its place, or change the one that is there.
   * @param {Partial<Entry> & {id: string}} fields
   * @param {string | null | undefined} previous id of the item before it; `undefined`: it comes last
   */
  #put(fields, previous) {
    const known = this.#byId.get(fields.id);
    if (known) {
      Object.assign(known, fields);
      this.emit("change", known);
      return known;
    }
    /** @type {Entry} */
    const entry = {
      kind: "message", role: "assistant", text: "", heard: null, heardMs: null, spoken: false, transcribed: false, open: false,
      images: [], responseId: "", at: this.now(), item: null, failure: "", ...fields,
    };
    const before = previous ? this.entries.findIndex((one) => one.id === previous) : -1;
    if (before >= 0) {
      // Notes stand where they were made.
      let place = before + 1;
      while (this.entries[place]?.kind === "note") place += 1;
      this.entries.splice(place, 0, entry);
    } else this.entries.push(entry);
    this.#byId.set(entry.id, entry);
    this.emit("change", entry);
    return entry;
  }

  /**
   * @param {string} id
   * @param {(entry: Entry) => void} edit
   */
  edit(id, edit) {
    const entry = this.#byId.get(id);
    if (!entry) return;
    edit(entry);
    this.emit("change", entry);
  }

  /** @param {string} id */
  remove(id) {
    const entry = this.#byId.get(id);
    if (!entry) return;
    this.#byId.delete(id);
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.emit("gone", id);
  }

  /**
   * Take an item as the server has it.
   * @param {any} item
   * @param {string | null | undefined} previous
   * @param {string} [responseId]
   */
  item(item, previous, responseId) {
    /** @type {Partial<Entry> & {id: string}} */
    const fields = { id: item.id, item, open: item.status === "in_progress" };
    if (responseId) fields.responseId = responseId;
    if (item.type === "message") this.#message(item, fields, previous);
    else if (item.type === "function_call") {
      const output = this.#byId.get(item.id)?.item?.output;
      this.#put({ ...fields, kind: "call", item: { ...item, ...(output === undefined ? {} : { output }) } }, previous);
    }
    else if (item.type === "mcp_call") this.#put({ ...fields, kind: "mcp" }, previous);
    else if (item.type === "mcp_approval_request") this.#put({ ...fields, kind: "approval" }, previous);
    else if (item.type === "mcp_list_tools" && item.tools?.length) {
      const names = item.tools.map((/** @type {any} */ tool) => tool.name).join(", ");
      this.#put({ ...fields, kind: "note", role: "system", text: `Tools of ${item.server_label}: ${names}` }, previous);
    }
  }

  /**
   * @param {any} item
   * @param {Partial<Entry> & {id: string}} fields
   * @param {string | null | undefined} previous
   */
  #message(item, fields, previous) {
    const known = this.#byId.get(item.id);
    const text = textOf(item);
    fields.role = item.role;
    if (text && !known?.text) fields.text = text;
    fields.images = item.content.filter((/** @type {any} */ part) => part.type === "input_image")
      .map((/** @type {any} */ part) => part.image_url);
    if (item.content.some((/** @type {any} */ part) => /audio/.test(part.type))) fields.spoken = true;
    if (item.role === "user" && fields.spoken && !text && !known?.text) fields.open = this.transcribes && !known?.transcribed;
    this.#put(fields, previous);
  }

  /**
   * Add what is said.
   * @param {any} event
   * @param {boolean} spoken
   */
  say(event, spoken) {
    this.#put({ id: event.item_id, responseId: event.response_id }, undefined);
    this.edit(event.item_id, (entry) => {
      entry.text += event.delta;
      entry.spoken = spoken;
      entry.open = true;
    });
  }

  /**
   * Take the settings that hold from now on.
   * @param {any} session as the server has it
   */
  configure(session) {
    this.transcribes = Boolean(session.audio?.input?.transcription);
  }

  /**
   * Somebody begins to speak: their words come later.
   * @param {string} id
   */
  listen(id) {
    this.#put({ id, role: "user", spoken: true, open: true }, undefined);
  }

  /**
   * An item was cut off where it was heard.
   * @param {any} event
   */
  truncate(event) {
    this.edit(event.item_id, (entry) => {
      entry.heardMs = event.audio_end_ms;
      entry.open = false;
      const whole = this.#audioMs.get(entry.id);
      // An estimate by time, until the server says which words those were.
      if (entry.heard === null && whole) entry.heard = upTo(entry.text, event.audio_end_ms / whole);
      else if (entry.heard === null && !event.audio_end_ms) entry.heard = "";
    });
  }

  /**
   * The server tells an item again: of one that was cut off, the words that were heard.
   * @param {any} item
   */
  retrieved(item) {
    const entry = this.#byId.get(item.id);
    if (entry?.heardMs === null || entry?.heardMs === undefined || item.type !== "message") return;
    const heard = textOf(item);
    // The hosted API keeps no words at all of what was cut off: then the estimate says more, or that it was short.
    const known = heard || (entry.heard === null && entry.heardMs < SHORT_MS);
    if (known) this.edit(item.id, (one) => (one.heard = commonWords(one.text, heard)));
  }

  /** Items for another server, so that it knows what was said, under the same ids: what was not heard is left out. */
  history() {
    return this.entries.flatMap((entry) => againOf(entry));
  }
}

/** @type {Record<string, (conversation: Conversation, event: any) => void>} */
const REDUCERS = {
  "session.created": (all, event) => all.configure(event.session),
  "session.updated": (all, event) => all.configure(event.session),
  "conversation.item.added": (all, event) => all.item(event.item, event.previous_item_id ?? undefined),
  "conversation.item.done": (all, event) => all.item(event.item, event.previous_item_id ?? undefined),
  "conversation.item.deleted": (all, event) => all.remove(event.item_id),
  "conversation.item.truncated": (all, event) => all.truncate(event),
  "conversation.item.retrieved": (all, event) => all.retrieved(event.item),
  "conversation.item.input_audio_transcription.delta": (all, event) => all.edit(event.item_id, (entry) => (entry.text += event.delta ?? "")),
  "conversation.item.input_audio_transcription.completed": (all, event) =>
    all.edit(event.item_id, (entry) => {
      entry.text = event.transcript.trim();
      entry.transcribed = true;
      entry.open = false;
    }),
  "conversation.item.input_audio_transcription.failed": (all, event) =>
    all.edit(event.item_id, (entry) => {
      entry.open = false;
      entry.failure = "No transcript: " + (event.error?.message ?? "it failed");
    }),
  "input_audio_buffer.speech_started": (all, event) => all.listen(event.item_id),
  "input_audio_buffer.cleared": (all) => {
    for (const entry of [...all.entries]) if (entry.role === "user" && entry.open && !entry.item) all.remove(entry.id);
  },
  "response.output_item.added": (all, event) => all.item(event.item, undefined, event.response_id),
  "response.output_item.done": (all, event) => all.item(event.item, undefined, event.response_id),
  "response.output_audio_transcript.delta": (all, event) => all.say(event, true),
  "response.output_text.delta": (all, event) => all.say(event, false),
  "response.done": (all, { response }) => {
    for (const item of response.output)
      all.edit(item.id, (entry) => {
        entry.open = false;
        if (response.status === "failed") entry.failure = response.status_details?.error?.message ?? "The answer failed.";
        if (response.status === "incomplete") entry.failure = `Incomplete: ${response.status_details?.reason ?? "?"}`;
      });
  },
};

/** @param {any} item */
function textOf(item) {
  return item.content
    .map((/** @type {any} */ part) => (WRITTEN.has(part.type) ? part.text : part.transcript) ?? "")
    .join(" ")
    .trim();
}

/**
 * The words at the beginning of a text, by their share of it.
 * @param {string} text
 * @param {number} share
 */
function upTo(text, share) {
  const words = text.split(/(?<=\s)/);
  let kept = "";
  for (const word of words) {
    if ((kept + word).trimEnd().length > text.length * share) break;
    kept += word;
  }
  return kept.trimEnd();
}

/**
 * As much of `text` as `heard` says, word by word.
 * @param {string} text
 * @param {string} heard
 */
function commonWords(text, heard) {
  const wanted = heard.split(/\s+/).filter(Boolean).length;
  return text.split(/(?<=\s)/).filter((word) => word.trim()).slice(0, wanted).join("").trimEnd();
}

/**
 * @param {Entry} entry
 * @returns {any[]}
 */
function againOf(entry) {
  const { item } = entry;
  if (entry.kind === "message") {
    const text = entry.heard ?? entry.text;
    const type = entry.role === "assistant" ? "output_text" : "input_text";
    const content = [
      ...entry.images.map((image_url) => ({ type: "input_image", image_url })),
      ...(text ? [{ type, text }] : []),
    ];
    return content.length ? [{ type: "message", id: entry.id, role: entry.role, content }] : [];
  }
  if (entry.kind === "call" && item?.output !== undefined) {
    const { call_id, name } = item;
    return [
      { type: "function_call", id: entry.id, call_id, name, arguments: item.arguments },
      { type: "function_call_output", call_id, output: item.output },
    ];
  }
  return [];
}
