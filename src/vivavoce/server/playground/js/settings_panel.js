// @ts-check
import { byId, el, show } from "./dom.js";
import { Emitter } from "./emitter.js";
import { microphones, possible } from "./microphone.js";
import { DEFAULTS, storedKey, storedSettings, storeKey, storeSettings } from "./settings.js";
import { EXAMPLES, MODES, readTools } from "./tools.js";
import { readPrices } from "./usage.js";

/** Settings that hold for a session, and can be changed in one that runs. */
const OF_SESSION = new Set(["instructions", "voice", "speed", "modality", "turns", "silence", "threshold", "idle", "eagerness", "interrupt", "transcribe", "tools"]);

/** The form of the settings. Tells `microphone` (an id), `changed` (whether a session that runs should be told). */
export class SettingsPanel extends Emitter {
  #form = byId("settings-form");
  /** @type {import("./settings.js").Settings} */ settings = storedSettings();

  constructor() {
    super();
    byId("key").value = storedKey();
    byId("keep-key").checked = Boolean(storedKey());
    this.#form.addEventListener("input", (/** @type {any} */ event) => this.#edited(event.target));
    this.#form.addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
    byId("reset").addEventListener("click", () => this.#reset());
    byId("tool-examples").append(...EXAMPLES.map((example) => el("button", { type: "button", text: example.label, onclick: () => this.#example(example) })));
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.listMicrophones());
    this.#show();
  }

  /** The key that was typed; it is kept nowhere unless the person ticked that. */
  get key() {
    return byId("key").value.trim();
  }

  /**
   * What a tool answers.
   * @param {string} name
   */
  replyOf(name) {
    return this.settings.replies[name];
  }

  /**
   * Show what the server has to offer.
   * @param {import("./server.js").Welcome} welcome
   */
  welcome(welcome) {
    show(byId("key-field"), welcome.asks_for_key);
    const none = welcome.webrtc === false || !("RTCPeerConnection" in window);
    this.#form.elements.namedItem("transport")[0].disabled = none;
    if (none) this.set("transport", "websocket");
    byId("transport-help").replaceChildren(...transportHelp(welcome));
    if (!welcome.admitted) return;
    byId("instructions").placeholder = welcome.instructions ?? "";
    const voices = (welcome.voices ?? []).map((voice) => el("option", { value: voice, text: voice }));
    byId("voice").replaceChildren(el("option", { value: "", text: `${welcome.voice} (default)` }), ...voices);
    byId("voice").value = this.settings.voice;
    if (byId("voice").selectedIndex < 0) this.set("voice", "");
  }

  /**
   * Change a setting from outside.
   * @param {string} name
   * @param {any} value
   */
  set(name, value) {
    this.settings = { ...this.settings, [name]: value };
    storeSettings(this.settings);
    this.#show();
    this.emit("changed", OF_SESSION.has(name));
  }

  /** Name the microphones there are. */
  async listMicrophones() {
    const list = byId("microphone");
    const found = await microphones();
    list.replaceChildren(el("option", { value: "", text: "The browser’s choice" }), ...found.map(({ id, label }) => el("option", { value: id, text: label })));
    list.value = found.some(({ id }) => id === this.settings.microphone) ? this.settings.microphone : "";
    list.disabled = !possible();
    show(byId("microphone-help"), !found.length);
  }

  /** @param {any} field */
  #edited(field) {
    if (field.id === "key" || field.id === "keep-key") {
      storeKey(byId("keep-key").checked ? this.key : "");
      return;
    }
    if (!field.name) return;
    this.settings = { ...this.settings, [field.name]: field.type === "checkbox" ? field.checked : field.value };
    storeSettings(this.settings);
    this.#consequences();
    if (field.name === "microphone") this.emit("microphone", field.value);
    this.emit("changed", OF_SESSION.has(field.name));
  }

  #show() {
    for (const [name, value] of Object.entries(this.settings)) {
      const field = this.#form.elements.namedItem(name);
      if (!field) continue;
      if (field.type === "checkbox") field.checked = value;
      else field.value = value;
    }
    this.#consequences();
  }

  #consequences() {
    const { turns, speed } = this.settings;
    byId("speed-value").textContent = `${Number(speed)}×`;
    for (const part of this.#form.querySelectorAll("[data-for]")) show(part, part.dataset.for.split(" ").includes(turns));
    this.#tools();
    byId("prices-error").textContent = errorOf(() => readPrices(this.settings.prices));
  }

  #tools() {
    const field = byId("tools");
    /** @type {any[]} */ let tools = [];
    const error = errorOf(() => (tools = readTools(this.settings.tools)));
    byId("tools-error").textContent = error;
    field.setAttribute("aria-invalid", String(Boolean(error)));
    if (error) return;
    const names = tools.filter((tool) => tool.type === "function").map((tool) => tool.name);
    const shown = [...byId("replies").children].map((reply) => reply.dataset.name);
    // What somebody types into must not be made anew under their hands.
    if (names.join(" ") !== shown.join(" ")) byId("replies").replaceChildren(...names.map((name) => this.#reply(name)));
  }

  /** @param {string} name */
  #reply(name) {
    const reply = (this.settings.replies[name] ??= { mode: "fixed", reply: "{}" });
    const id = `reply-${name}`;
    const field = el("textarea", { class: "code", rows: 2, "aria-label": `What ${name} answers`, spellcheck: "false" });
    field.value = reply.reply;
    show(field, reply.mode !== "type");
    const mode = el("select", { id }, ...Object.entries(MODES).map(([value, text]) => el("option", { value, text })));
    mode.value = reply.mode;
    const keep = () => {
      Object.assign(reply, { mode: mode.value, reply: field.value });
      show(field, mode.value !== "type");
      storeSettings(this.settings);
    };
    mode.addEventListener("change", keep);
    field.addEventListener("input", keep);
    return el("div", { class: "reply", data: { name } }, el("label", { for: id }, el("code", { text: name })), mode, field);
  }

  /** @param {(typeof EXAMPLES)[number]} example */
  #example({ tool, reply, say }) {
    let tools = [];
    try {
      tools = readTools(this.settings.tools).filter((one) => one.name !== tool.name);
    } catch {
      // What is no JSON gives way.
    }
    this.settings.replies[tool.name] = { ...reply };
    byId("replies").replaceChildren();
    this.set("tools", JSON.stringify([...tools, tool], null, 2));
    byId("message").placeholder = `Try: ${say}`;
  }

  #reset() {
    const { transport, microphone, prices } = this.settings;
    this.settings = { ...DEFAULTS, replies: {}, transport, microphone, prices };
    storeSettings(this.settings);
    byId("replies").replaceChildren();
    this.#show();
    this.emit("changed", true);
  }
}

/**
 * What there is to say of the transports.
 * @param {import("./server.js").Welcome} welcome
 * @returns {(Node | string)[]}
 */
function transportHelp(welcome) {
  if (!("RTCPeerConnection" in window)) return ["This browser has no WebRTC."];
  if (welcome.webrtc_off) return ["WebRTC is switched off on this server."];
  if (welcome.webrtc === false) {
    return ["This server has no WebRTC. To give it some, run ", el("code", { text: "pip install 'vivavoce[webrtc]'" }), " where it runs, and start it again."];
  }
  return ["WebRTC is made for speech on bad networks. WebSocket gets through where UDP does not."];
}

/** @param {() => unknown} read */
function errorOf(read) {
  try {
    read();
    return "";
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}
