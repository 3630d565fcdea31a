// @ts-check
import { byId, show } from "./dom.js";
import { Emitter } from "./emitter.js";

const TABS = ["timeline", "events", "usage"];
const WIDE = matchMedia("(min-width: 1360px)");
const NARROW = matchMedia("(max-width: 1023.9px)");

/** Which part of the page is in sight: tabs beside the conversation, or one view at a time. Tells `shown`. */
export class Layout extends Emitter {
  #root = document.documentElement;
  #tab = "timeline";

  constructor() {
    super();
    for (const name of TABS) {
      const tab = byId(`tab-${name}`);
      tab.addEventListener("click", () => this.#select(name));
      tab.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#arrow(event));
    }
    for (const view of document.querySelectorAll(".views button")) {
      view.addEventListener("click", () => this.view(/** @type {HTMLElement} */ (view).dataset.view ?? "talk"));
    }
    byId("settings-toggle").addEventListener("click", () => this.settings(this.#root.dataset.settings !== "open"));
    byId("settings-close").addEventListener("click", () => {
      this.settings(false);
      byId("settings-toggle").focus();
    });
    WIDE.addEventListener("change", () => this.settings(WIDE.matches));
    this.settings(WIDE.matches);
  }

  /**
   * Show a view, where there is room for one at a time.
   * @param {string} name
   */
  view(name) {
    this.#root.dataset.view = name;
    for (const view of document.querySelectorAll(".views button")) {
      if (/** @type {HTMLElement} */ (view).dataset.view === name) view.setAttribute("aria-current", "true");
      else view.removeAttribute("aria-current");
    }
    if (TABS.includes(name)) this.#select(name);
    this.emit("shown");
  }

  /**
   * Show the settings, or put them away.
   * @param {boolean} open
   */
  settings(open) {
    this.#root.dataset.settings = open ? "open" : "closed";
    byId("settings-toggle").setAttribute("aria-expanded", String(open));
    if (NARROW.matches && open) this.view("settings");
    // Where they take the inspector's place, it comes back to what has happened meanwhile.
    else this.emit("shown");
  }

  /** Show the field for the key. */
  toKey() {
    this.settings(true);
    byId("key").focus();
  }

  /** @param {string} name */
  #select(name) {
    this.#tab = name;
    for (const one of TABS) {
      const chosen = one === name;
      byId(`tab-${one}`).setAttribute("aria-selected", String(chosen));
      byId(`tab-${one}`).tabIndex = chosen ? 0 : -1;
      show(byId(one), chosen);
    }
    this.emit("shown");
  }

  /** @param {KeyboardEvent} event */
  #arrow(event) {
    /** @type {Record<string, number>} */
    const steps = { ArrowRight: 1, ArrowLeft: -1 };
    const step = steps[event.key];
    if (!step) return;
    const next = TABS[(TABS.indexOf(this.#tab) + step + TABS.length) % TABS.length];
    this.#select(next);
    byId(`tab-${next}`).focus();
  }
}
