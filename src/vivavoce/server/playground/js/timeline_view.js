// @ts-check
import { byId, el, show, svg } from "./dom.js";
import { clock, duration } from "./format.js";
import { STAGES } from "./timeline.js";

const ORDER = ["you", "agent", "tool"];
const LANES = ["You", "Agent", "Tools"];
const LEFT = 10;
const LANE = 24;
const PER_SECOND = 16;
const LONGEST_S = 600;
/** @type {Record<string, string>} */
const REASONS = { turn_detected: "interrupted", client_cancelled: "stopped" };

/** Shows who spoke when, and of each answer where its time went. */
export class TimelineView {
  #lanes = byId("lanes");
  #along = el("div", { class: "along", role: "group", tabindex: 0, "aria-label": "Who spoke when" });
  #list = byId("turns-list");
  /** @type {Map<string, HTMLElement>} */ #shown = new Map();
  #drawing = false;

  /**
   * @param {import("./timeline.js").Timeline} timeline
   * @param {import("./conversation.js").Conversation} conversation
   */
  constructor(timeline, conversation) {
    this.timeline = timeline;
    this.conversation = conversation;
    timeline.on("change", (turn) => {
      if (turn) this.#turn(turn);
      else if (!timeline.turns.length) this.#empty();
      this.#later();
    });
    conversation.on("change", (entry) => {
      const turn = entry.heard !== null && timeline.turns.find((one) => one.items.includes(entry.id));
      if (turn) this.#turn(turn);
    });
  }

  /** Draw the lanes again, as time goes on. */
  tick() {
    if (this.timeline.spans.length && this.#lanes.checkVisibility()) this.#draw();
  }

  #later() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #empty() {
    this.#list.replaceChildren();
    this.#shown.clear();
    show(byId("timeline-empty"), true);
  }

  /** @param {import("./timeline.js").Turn} turn */
  #turn(turn) {
    show(byId("timeline-empty"), false);
    let place = this.#shown.get(turn.id);
    if (!place) {
      place = /** @type {HTMLElement} */ (el("li", { class: "turn" }));
      this.#shown.set(turn.id, place);
      this.#list.prepend(place);
    }
    place.replaceChildren(...this.#content(turn));
  }

  /** @param {import("./timeline.js").Turn} turn */
  #content(turn) {
    const first = turn.stages.heard ?? turn.stages.first_audio;
    const called = turn.items.some((id) => /call/.test(this.conversation.get(id)?.kind ?? ""));
    const title = first !== undefined ? duration(first) : called ? "Tool call" : turn.status === "in_progress" ? "…" : "No sound";
    const state = turn.status === "completed" || turn.status === "in_progress" ? "" : REASONS[turn.reason] ?? `${turn.status}${turn.reason ? `: ${turn.reason}` : ""}`;
    const words = turn.items.map((id) => wordsOf(this.conversation.get(id))).filter(Boolean).join(" ");
    const head = el("header", {}, el("strong", { text: title }), first !== undefined && el("span", { class: "quiet", text: "to the first sound" }), el("time", { text: clock(turn.at) }));
    const content = [head];
    if (words) content.push(el("p", { class: "words", text: words }));
    if (state) content.push(el("p", { class: "wrong", text: state }));
    const named = Object.entries(STAGES).filter(([name]) => turn.stages[name] !== undefined).sort(([a], [b]) => turn.stages[a] - turn.stages[b]);
    if (named.length > 1) content.push(barsOf(turn, named), figuresOf(turn, named));
    return content;
  }

  #draw() {
    const { spans, now } = this.timeline;
    if (!spans.length) {
      this.#lanes.replaceChildren();
      return;
    }
    const along = this.#along;
    if (!along.isConnected) this.#lanes.append(el("ul", { "aria-hidden": "true" }, ...LANES.map((lane) => el("li", { text: lane }))), along);
    const atEnd = along.scrollLeft + along.clientWidth >= along.scrollWidth - 40;
    const until = Math.max(now(), (along.clientWidth - LEFT - 16) / PER_SECOND);
    const from = Math.max(0, until - LONGEST_S);
    const x = (/** @type {number} */ at) => LEFT + (Math.max(at, from) - from) * PER_SECOND;
    const height = ORDER.length * LANE + 26;
    const drawing = svg("svg", { width: x(until) + 12, height, role: "img", "aria-label": summaryOf(spans) });
    for (let at = Math.ceil(from / 5) * 5; at <= until; at += 5) {
      drawing.append(svg("line", { x1: x(at), x2: x(at), y1: 6, y2: height - 20, class: "grid-line" }));
      const label = svg("text", { x: x(at) + 3, y: height - 7 });
      label.textContent = clock(at);
      drawing.append(label);
    }
    for (const span of spans) {
      const left = x(span.from);
      const width = Math.max(lane(span) ? 8 : 3, x(span.to ?? now()) - left);
      const y = ORDER.indexOf(span.lane) * LANE + 13;
      drawing.append(svg("rect", { x: left, y, width, height: 14, rx: 4, class: `span-${span.lane}` }));
      if (span.cut) drawing.append(svg("line", { x1: left + width, x2: left + width, y1: y - 3, y2: y + 17, class: "span-cut" }));
    }
    along.replaceChildren(drawing);
    if (atEnd) along.scrollLeft = along.scrollWidth;
  }
}

/** @param {import("./timeline.js").Span} span */
function lane(span) {
  return span.lane === "tool";
}

/** @param {import("./conversation.js").Entry | undefined} entry */
function wordsOf(entry) {
  if (!entry) return "";
  return entry.kind === "message" ? entry.heard ?? entry.text : `${entry.item.name}()`;
}

/**
 * @param {import("./timeline.js").Turn} turn
 * @param {[string, string][]} named
 */
function barsOf(turn, named) {
  const bars = el("div", { class: "bars", "aria-hidden": "true" });
  named.slice(1).forEach(([name], n) => {
    const part = el("i", { class: `stage-${name}` });
    part.style.flexGrow = String(Math.max(0, turn.stages[name] - turn.stages[named[n][0]]));
    bars.append(part);
  });
  return bars;
}

/**
 * @param {import("./timeline.js").Turn} turn
 * @param {[string, string][]} named
 */
function figuresOf(turn, named) {
  const figures = named.slice(1).map(([name, label]) =>
    el("div", {}, el("dt", {}, el("i", { class: `stage-${name}` }), label), el("dd", { text: `${Math.round(turn.stages[name])} ms` })),
  );
  return el("dl", {}, ...figures);
}

/** @param {import("./timeline.js").Span[]} spans */
function summaryOf(spans) {
  const count = (/** @type {string} */ lane) => spans.filter((span) => span.lane === lane).length;
  return `You spoke ${count("you")} times, the agent ${count("agent")} times, with ${count("tool")} calls of tools.`;
}
