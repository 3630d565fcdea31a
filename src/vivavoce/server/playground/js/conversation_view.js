// @ts-check
import { byId, el, show } from "./dom.js";
import { clock, duration } from "./format.js";
import { cardOf } from "./tool_view.js";

const NEAR = 60;
const WHO = { user: "You", assistant: "Agent", system: "Note" };

/** Shows the conversation, and reads it out to screen readers: each of its sentences once, when it is whole. */
export class ConversationView {
  #list = byId("conversation");
  #scroll = byId("scroll");
  #newest = byId("newest");
  #announcer = byId("announcer");
  /** @type {Map<string, HTMLElement>} */ #shown = new Map();
  /** @type {Set<string>} */ #changed = new Set();
  /** @type {Set<string>} */ #announced = new Set();
  #following = true;

  /** @param {import("./parts.js").Parts} parts */
  constructor(parts) {
    this.parts = parts;
    parts.conversation.on("change", (entry) => this.#later(entry.id));
    parts.conversation.on("gone", (id) => this.#gone(id));
    parts.responder.on("change", (id) => this.#later(id));
    parts.timeline.on("change", (turn) => turn?.items.forEach((/** @type {string} */ id) => this.#later(id)));
    this.#scroll.addEventListener("scroll", () => this.#scrolled());
    this.#newest.addEventListener("click", () => this.#toEnd());
    new ResizeObserver(() => this.#following && this.#toEnd()).observe(this.#scroll);
  }

  /** @param {string} id */
  #later(id) {
    if (!this.#changed.size) requestAnimationFrame(() => this.#draw());
    this.#changed.add(id);
  }

  #draw() {
    const ids = [...this.#changed];
    this.#changed.clear();
    for (const id of ids) {
      const entry = this.parts.conversation.get(id);
      if (entry) this.#entry(entry);
    }
    byId("talk").toggleAttribute("data-empty", !this.parts.conversation.entries.length);
    if (this.#following) this.#toEnd();
    else show(this.#newest, true);
  }

  /** @param {import("./conversation.js").Entry} entry */
  #entry(entry) {
    let place = this.#shown.get(entry.id);
    if (!place) {
      place = /** @type {HTMLElement} */ (el("li", { data: { id: entry.id } }));
      this.#shown.set(entry.id, place);
      const { entries } = this.parts.conversation;
      const after = entries.slice(entries.indexOf(entry) + 1).find((one) => this.#shown.has(one.id) && one !== entry);
      this.#list.insertBefore(place, after ? this.#shown.get(after.id) : null);
    }
    // Somebody who types the answer of a tool must not lose it to a redrawing, as long as somebody waits for it.
    const typing = this.parts.responder.calls.get(entry.id)?.state === "typing";
    if (typing && place.contains(document.activeElement) && place.querySelector("textarea")) return;
    const had = place.contains(document.activeElement);
    const tool = entry.kind !== "message" && entry.kind !== "note";
    place.className = `entry ${tool ? "tool" : entry.kind === "note" ? "note" : entry.role}`;
    place.replaceChildren(...(entry.kind === "note" ? [el("p", { text: entry.text })] : this.#content(entry, tool)));
    if (had) this.#scroll.focus();
    this.#announce(entry);
  }

  /**
   * @param {import("./conversation.js").Entry} entry
   * @param {boolean} tool
   */
  #content(entry, tool) {
    const who = el("div", { class: "who" }, tool ? "Tool" : WHO[entry.role], el("time", { text: clock(entry.at) }));
    const body = el("div", { class: "body" });
    if (tool) body.append(cardOf(entry, this.parts.responder));
    else {
      if (entry.images.length) body.append(el("div", { class: "images" }, ...entry.images.map(pictureOf)));
      if (entry.text || !entry.images.length) body.append(saidOf(entry));
      if (entry.failure) body.append(el("p", { class: "failure", text: entry.failure }));
      const chips = this.#chips(entry);
      if (chips.length) body.append(el("div", { class: "chips" }, ...chips));
    }
    return [who, body];
  }

  /** @param {import("./conversation.js").Entry} entry */
  #chips(entry) {
    if (entry.role !== "assistant" || entry.open) return [];
    const chips = [];
    if (entry.heardMs !== null) {
      const text = entry.heardMs > 0 ? `Interrupted after ${duration(entry.heardMs)}` : "Interrupted before a word was heard";
      chips.push(el("span", { class: "chip cut", text }));
    }
    const turn = this.parts.timeline.turns.find((one) => one.items.includes(entry.id));
    const first = turn?.stages.heard ?? turn?.stages.first_audio;
    if (first !== undefined) chips.push(el("span", { class: "chip", text: `first sound after ${duration(first)}` }));
    return chips;
  }

  /** @param {import("./conversation.js").Entry} entry */
  #announce(entry) {
    const call = this.parts.responder.calls.get(entry.id);
    const asks = call?.state === "asking" || call?.state === "typing";
    const lost = call?.state === "lost";
    const key = `${entry.id} ${entry.heardMs !== null} ${asks} ${lost}`;
    if (this.#announced.has(key) || (entry.open && !asks && !lost)) return;
    const words = entry.heard ?? entry.text;
    let text = "";
    if (asks) text = `The agent wants to use ${entry.item.name}. ${call?.state === "asking" ? "Approve or deny it" : "Type its answer"} in the conversation.`;
    else if (lost) text = `The call of ${entry.item.name} was lost with the connection.`;
    else if (entry.kind === "note") text = entry.text;
    else if (entry.kind === "message" && (words || entry.heardMs !== null)) text = `${WHO[entry.role]}: ${words}${entry.heardMs !== null ? " – interrupted" : ""}`;
    if (!text) return;
    this.#announced.add(key);
    this.#announcer.append(el("p", { text }));
    while (this.#announcer.childElementCount > 5) this.#announcer.firstElementChild?.remove();
  }

  /** @param {string} id */
  #gone(id) {
    this.#shown.get(id)?.remove();
    this.#shown.delete(id);
    byId("talk").toggleAttribute("data-empty", !this.parts.conversation.entries.length);
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroll;
    this.#following = scrollTop + clientHeight > scrollHeight - NEAR;
    if (this.#following) show(this.#newest, false);
  }

  #toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#following = true;
    show(this.#newest, false);
  }
}

/** @param {import("./conversation.js").Entry} entry */
function saidOf(entry) {
  const said = el("p", { class: "said" });
  const heard = entry.heard ?? entry.text;
  if (!entry.text) {
    if (entry.open) said.append(el("span", { class: "pending", role: "img", "aria-label": "Listening" }, el("i"), el("i"), el("i")));
    else said.append(el("span", { class: "pending", text: entry.heardMs !== null ? "Not a word was heard." : entry.spoken && entry.role === "user" ? (entry.transcribed ? "No words understood." : "Spoken, not written down.") : "…" }));
    return said;
  }
  said.append(heard);
  const rest = entry.text.slice(heard.length);
  if (rest.trim()) said.append(" ", el("span", { class: "visually-hidden", text: "Not heard: " }), el("del", { text: rest.trim() }));
  return said;
}

/** @param {string} url */
function pictureOf(url) {
  return el("img", { src: url, alt: "Picture that you sent" });
}
