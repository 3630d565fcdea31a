// @ts-check
import { byId } from "./dom.js";

const TYPING = "input, textarea, select, [contenteditable], [role=listbox]";

/**
 * The space bar talks, Escape stops the agent. Neither is taken from whoever types or presses a button with it.
 * @param {import("./call.js").Call} call
 */
export function startKeys(call) {
  const hold = byId("hold");
  const presses = (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.code !== "Space" || target.closest(TYPING)) return false;
    return target === hold || !target.closest("button, a, summary");
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && call.speaking) void call.interrupt();
    if (!presses(event) || call.phase !== "live" || !call.pushToTalk) return;
    event.preventDefault();
    if (!event.repeat) void call.press();
  });
  document.addEventListener("keyup", (event) => {
    if (event.code !== "Space" || !call.holding) return;
    event.preventDefault();
    void call.release();
  });
  hold.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    hold.setPointerCapture(event.pointerId);
    void call.press();
  });
  for (const name of ["pointerup", "pointercancel"]) hold.addEventListener(name, () => void call.release());
  hold.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault());
  // Who leaves the window while holding would hold for ever.
  window.addEventListener("blur", () => void call.release());
}
