// @ts-check
import { byId, el, show } from "./dom.js";
import { clock, count, size } from "./format.js";

const ROW = 30;
const BEYOND = 8;

/** Shows the events: a list of which only the rows in sight are drawn, a search, and one event whole. */
export class EventsView {
  #rows = byId("rows");
  #spacer = byId("rows-spacer");
  #search = byId("search");
  #direction = byId("direction");
  #family = byId("family");
  /** @type {import("./events_log.js").Logged[]} */ #found = [];
  /** @type {number} */ #chosen = 0;
  #following = true;

  /** @param {import("./events_log.js").EventsLog} log */
  constructor(log) {
    this.log = log;
    log.on("change", () => this.refresh());
    this.#search.addEventListener("input", () => this.refresh());
    for (const filter of [this.#direction, this.#family]) filter.addEventListener("change", () => this.refresh());
    this.#rows.addEventListener("scroll", () => this.#scrolled());
    this.#rows.addEventListener("click", (/** @type {any} */ event) => this.#clicked(event.target));
    this.#rows.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    byId("events-clear").addEventListener("click", () => log.clear());
    byId("detail-close").addEventListener("click", () => this.#close());
    byId("detail-copy").addEventListener("click", () => void navigator.clipboard?.writeText(byId("detail-text").textContent));
    new ResizeObserver(() => this.#draw()).observe(this.#rows);
  }

  /** Find and draw again; nothing is drawn while nobody sees it. */
  refresh() {
    if (!this.#rows.checkVisibility({ visibilityProperty: true })) return;
    const words = this.#search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const [from, family] = [this.#direction.value, this.#family.value];
    this.#found = this.log.entries.filter(
      (entry) =>
        (!from || entry.from === from) &&
        (!family || entry.type === family || entry.type.startsWith(`${family}.`)) &&
        words.every((/** @type {string} */ word) => entry.words.includes(word)),
    );
    this.#spacer.style.height = `${this.#found.length * ROW}px`;
    byId("events-count").textContent = this.#told();
    if (this.#following) this.#rows.scrollTop = this.#rows.scrollHeight;
    this.#draw();
  }

  #told() {
    const { entries, dropped } = this.log;
    if (!entries.length) return "No events yet";
    const shown = this.#found.length === entries.length ? `${count(entries.length)} events` : `${count(this.#found.length)} of ${count(entries.length)} events`;
    return dropped ? `${shown}; ${count(dropped)} older ones are gone` : shown;
  }

  #draw() {
    const first = Math.max(0, Math.floor(this.#rows.scrollTop / ROW) - BEYOND);
    const last = Math.min(this.#found.length, Math.ceil((this.#rows.scrollTop + this.#rows.clientHeight) / ROW) + BEYOND);
    const rows = this.#found.slice(first, last).map((entry, n) => this.#row(entry, first + n));
    this.#spacer.replaceChildren(...rows);
    const chosen = rows.find((row) => row.getAttribute("aria-selected") === "true");
    if (chosen) this.#rows.setAttribute("aria-activedescendant", chosen.id);
    else this.#rows.removeAttribute("aria-activedescendant");
  }

  /**
   * @param {import("./events_log.js").Logged} entry
   * @param {number} place
   */
  #row(entry, place) {
    const sent = entry.from === "client";
    const extra = entry.count > 1 ? `×${count(entry.count)} · ${size(entry.bytes)}` : entry.bytes ? size(entry.bytes) : extraOf(entry.event);
    const row = el(
      "div",
      {
        class: `row-event ${entry.from}${entry.type === "error" ? " error" : ""}`, id: `event-${entry.n}`, role: "option",
        "aria-selected": String(entry.n === this.#chosen), "aria-setsize": this.#found.length, "aria-posinset": place + 1, data: { place },
      },
      el("span", { class: "at", text: `${clock(entry.at)}.${Math.floor((entry.at % 1) * 10)}` }),
      el("span", { class: "arrow" }, el("span", { "aria-hidden": "true", text: sent ? "↑" : "↓" }), el("span", { class: "visually-hidden", text: sent ? "sent" : "received" })),
      el("span", { class: "type", text: entry.type }),
      el("span", { class: "extra", text: extra }),
    );
    row.style.top = `${place * ROW}px`;
    return row;
  }

  #scrolled() {
    this.#following = this.#rows.scrollTop + this.#rows.clientHeight > this.#rows.scrollHeight - ROW;
    this.#draw();
  }

  /** @param {HTMLElement} target */
  #clicked(target) {
    const place = /** @type {HTMLElement | null} */ (target.closest("[data-place]"))?.dataset.place;
    if (place !== undefined) this.#choose(Number(place));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const now = this.#found.findIndex((entry) => entry.n === this.#chosen);
    const last = this.#found.length - 1;
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: now + 1, ArrowUp: now < 0 ? last : now - 1, Home: 0, End: last, PageDown: now + 10, PageUp: now - 10 };
    if (event.key === "Escape") this.#close();
    if (!(event.key in moves) || last < 0) return;
    event.preventDefault();
    this.#choose(Math.max(0, Math.min(last, moves[event.key])));
  }

  /** @param {number} place */
  #choose(place) {
    const entry = this.#found[place];
    this.#chosen = entry.n;
    const top = place * ROW;
    byId("detail-title").textContent = entry.type;
    byId("detail-text").textContent = JSON.stringify(entry.event, null, 2);
    show(byId("detail"), true);
    if (top < this.#rows.scrollTop) this.#rows.scrollTop = top;
    else if (top + ROW > this.#rows.scrollTop + this.#rows.clientHeight) this.#rows.scrollTop = top + ROW - this.#rows.clientHeight;
    this.#following = place === this.#found.length - 1;
    this.#draw();
  }

  #close() {
    show(byId("detail"), false);
    this.#chosen = 0;
    this.#draw();
    this.#rows.focus();
  }
}

/** @param {any} event */
function extraOf(event) {
  const text = event.delta ?? event.transcript ?? event.item?.type ?? event.response?.status ?? event.error?.code ?? "";
  return typeof text === "string" ? text.slice(0, 40) : "";
}
