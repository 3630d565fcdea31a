// @ts-check
import { byId } from "./dom.js";

const SIZE = 440;
const MIDDLE = SIZE / 2;
const RADIUS = 104;
const POINTS = 72;
const TURN = Math.PI * 2;

/**
 * The face of the agent: a drop of ink that moves with its voice, in a ring that moves with the person's.
 *
 * Where less motion is wanted, it grows and shrinks, and does nothing else.
 */
export class Orb {
  #canvas = byId("orb");
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #colours = { agent: "#000", marks: "#fff", you: "#000", quiet: "#000" };
  /** @type {CanvasRenderingContext2D} */ #context = this.#canvas.getContext("2d");
  #you = 0;
  #agent = 0;

  /** Take the colours of the theme. */
  recolour() {
    const probe = document.createElement("i");
    this.#canvas.parentElement.append(probe);
    const colour = (/** @type {string} */ name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    this.#colours = { agent: colour("--agent"), marks: colour("--on-agent"), you: colour("--you"), quiet: colour("--edge") };
    probe.remove();
  }

  /**
   * Draw it as it is now.
   * @param {number} time milliseconds
   * @param {{you: number, agent: number, state: string}} now levels between 0 and 1
   */
  draw(time, { you, agent, state }) {
    this.#you += (you - this.#you) * 0.35;
    this.#agent += (agent - this.#agent) * 0.4;
    const context = this.#context;
    const pixels = Math.round(this.#canvas.clientWidth * Math.min(2, devicePixelRatio));
    if (!pixels) return;
    // Drawn at the size that it is shown at: a browser makes dots of thin lines when it shrinks them.
    if (this.#canvas.width !== pixels) this.#canvas.width = this.#canvas.height = pixels;
    const moving = !this.#still.matches;
    const seconds = moving ? time / 1000 : 0;
    context.clearRect(0, 0, pixels, pixels);
    context.save();
    context.scale(pixels / SIZE, pixels / SIZE);
    context.translate(MIDDLE, MIDDLE);
    this.#ring(seconds, state);
    const breath = moving ? Math.sin(seconds * 1.3) * 2.5 : 0;
    const colour = state === "off" ? this.#colours.quiet : this.#colours.agent;
    const swell = this.#agent;
    for (const [n, alpha] of [[2, 0.14], [1, 0.26], [0, 1]]) {
      const radius = RADIUS + breath + n * (9 + swell * 20) + swell * 10;
      context.globalAlpha = alpha;
      context.fillStyle = n ? colour : this.#ink(colour, radius);
      this.#blob(radius, (2.5 + swell * 17) * (0.45 + 0.4 * n), seconds * (0.55 + 0.25 * n) + n * 2, moving);
    }
    this.#marks(seconds, state, swell);
    context.restore();
  }

  /**
   * @param {number} seconds
   * @param {string} state
   */
  #ring(seconds, state) {
    const context = this.#context;
    const loud = this.#you;
    context.strokeStyle = state === "muted" ? this.#colours.quiet : this.#colours.you;
    for (const [n, alpha] of [[0, 0.75], [1, 0.35], [2, 0.16]]) {
      if (loud < 0.03 + n * 0.12 && n) continue;
      context.globalAlpha = state === "off" ? 0 : n ? alpha * loud * 1.6 : 0.22 + loud * 0.6;
      context.lineWidth = 2.5 + loud * (9 - n * 2);
      context.beginPath();
      context.arc(0, 0, Math.min(MIDDLE - 8, 158 + n * 18 + loud * 22), 0, TURN);
      context.stroke();
    }
    if (state !== "thinking") return;
    context.globalAlpha = 0.9;
    context.strokeStyle = this.#colours.agent;
    context.lineWidth = 5;
    context.lineCap = "round";
    context.beginPath();
    context.arc(0, 0, 158, seconds * 3.2, seconds * 3.2 + 1.4);
    context.stroke();
  }

  /**
   * @param {string} colour
   * @param {number} radius
   */
  #ink(colour, radius) {
    const gradient = this.#context.createRadialGradient(-radius * 0.35, -radius * 0.42, radius * 0.08, 0, 0, radius * 1.15);
    gradient.addColorStop(0, `color-mix(in srgb, ${colour} 58%, white)`);
    gradient.addColorStop(0.55, colour);
    gradient.addColorStop(1, `color-mix(in srgb, ${colour} 72%, black)`);
    return gradient;
  }

  /**
   * @param {number} radius
   * @param {number} wobble
   * @param {number} phase
   * @param {boolean} moving
   */
  #blob(radius, wobble, phase, moving) {
    const context = this.#context;
    context.beginPath();
    for (let n = 0; n <= POINTS; n += 1) {
      const angle = (n / POINTS) * TURN;
      const wave = moving ? Math.sin(angle * 3 + phase * 2.1) * 0.6 + Math.sin(angle * 5 - phase * 1.7) * 0.4 + Math.sin(angle * 2 + phase) * 0.5 : 0;
      const away = radius + wave * wobble;
      if (n) context.lineTo(Math.cos(angle) * away, Math.sin(angle) * away);
      else context.moveTo(Math.cos(angle) * away, Math.sin(angle) * away);
    }
    context.closePath();
    context.fill();
  }

  /**
   * Five strokes, as in the sign of the house: a voice, or its rest.
   * @param {number} seconds
   * @param {string} state
   * @param {number} swell
   */
  #marks(seconds, state, swell) {
    const context = this.#context;
    context.globalAlpha = 0.92;
    context.strokeStyle = this.#colours.marks;
    context.lineWidth = 9;
    context.lineCap = "round";
    [14, 26, 44, 26, 14].forEach((rest, n) => {
      const beat = swell * (0.55 + 0.45 * Math.sin(seconds * 11 + n * 1.9));
      const half = state === "off" ? rest * 0.7 : rest * (0.55 + beat * 1.1);
      const x = (n - 2) * 21;
      context.beginPath();
      context.moveTo(x, -half);
      context.lineTo(x, half);
      context.stroke();
    });
  }
}
