// @ts-check
import { byId, show } from "./dom.js";
import { Orb } from "./orb.js";

const METER_MS = 400;
const FADE = 0.82;

/** @type {Record<string, string>} */
const WORDS = {
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking",
  speaking: "Speaking",
  idle: "Ready when you are",
  connecting: "Connecting …",
  lost: "Not connected",
};
/** @type {Record<string, string>} */
const STATUS = { idle: "Not connected", connecting: "Connecting", live: "Connected", lost: "Connection lost" };

/** The stage: the orb, both levels, what is going on, and the buttons for what can be done now. */
export class Stage {
  #orb = new Orb();
  #shown = { you: 0, agent: 0 };
  #told = 0;
  waiting = 0;

  /** @param {import("./call.js").Call} call */
  constructor(call) {
    this.call = call;
    call.on("phase", () => this.refresh());
    call.on("activity", () => this.refresh());
    call.on("session", () => this.refresh());
    const frame = (/** @type {number} */ time) => {
      this.#frame(time);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** Take the colours of the theme. */
  recolour() {
    this.#orb.recolour();
  }

  /** Show what is going on. */
  refresh() {
    const { call } = this;
    const live = call.phase === "live";
    document.documentElement.dataset.phase = call.phase;
    byId("status-text").textContent = STATUS[call.phase];
    byId("activity").textContent = this.#words();
    show(byId("start"), !live);
    byId("start").disabled = call.phase === "connecting";
    byId("start").lastElementChild.textContent = call.phase === "connecting" ? "Connecting …" : call.phase === "lost" ? "Reconnect" : "Start talking";
    const holds = live && call.pushToTalk && Boolean(call.microphone);
    show(byId("hold"), holds);
    show(byId("mute"), live && !holds);
    show(byId("interrupt"), live);
    show(byId("end"), live);
    byId("interrupt").disabled = !call.speaking && call.activity !== "thinking";
    const mute = byId("mute");
    const closed = call.muted || !call.microphone;
    mute.setAttribute("aria-pressed", String(call.muted && Boolean(call.microphone)));
    mute.lastElementChild.textContent = !call.microphone ? "Use the microphone" : call.muted ? "Muted" : "Mute";
    byId("mute-icon").setAttribute("href", `#i-${closed ? "mic-off" : "mic"}`);
    byId("hold").toggleAttribute("data-held", call.holding);
    byId("hold").children[1].textContent = call.holding ? "Let go to send" : "Hold to talk";
  }

  #words() {
    const { call } = this;
    if (call.phase !== "live") return WORDS[call.phase];
    if (this.waiting) return "Waiting for you";
    if (call.activity === "listening") {
      if (!call.microphone) return "Waiting for a message";
      if (call.pushToTalk) return "Hold to talk";
      if (call.muted) return "You are muted";
    }
    return WORDS[call.activity];
  }

  /** @param {number} time */
  #frame(time) {
    if (document.hidden) return;
    const { call } = this;
    const closed = call.muted || (call.pushToTalk && !call.holding);
    const you = closed ? 0 : call.audio?.ears.level() ?? 0;
    const agent = call.audio?.mouth.level() ?? 0;
    // Levels jump up and fall slowly, as the needles of old meters did.
    this.#shown.you = Math.max(you, this.#shown.you * FADE);
    this.#shown.agent = Math.max(agent, this.#shown.agent * FADE);
    const state = call.phase !== "live" ? (call.phase === "connecting" ? "thinking" : call.phase === "lost" ? "off" : "idle") : call.muted ? "muted" : call.activity;
    this.#orb.draw(time, { ...this.#shown, state });
    const tell = time - this.#told > METER_MS;
    if (tell) this.#told = time;
    for (const [side, level] of Object.entries(this.#shown)) {
      const track = byId(`level-${side}`);
      track.firstElementChild.style.transform = `scaleX(${level.toFixed(3)})`;
      if (tell) track.setAttribute("aria-valuenow", String(Math.round(level * 100)));
    }
  }
}
