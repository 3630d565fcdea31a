// @ts-check
import { byId, el } from "./dom.js";

/**
 * Let the person take recording and events with them.
 * @param {import("./parts.js").Parts} parts
 * @param {import("./call.js").Call} call
 */
export function startDownloads(parts, call) {
  byId("download-wav").addEventListener("click", async () => {
    const recording = call.audio?.recording ?? parts.recording;
    if (recording) save(await recording.wav(), `${nameOf(parts.started)}.wav`);
  });
  byId("download-events").addEventListener("click", () => {
    const text = parts.log.lines(parts.started, `${nameOf(parts.started)}.wav`);
    save(new Blob([text], { type: "application/jsonl" }), `${nameOf(parts.started)}.jsonl`);
  });
}

/** @param {Date} started */
function nameOf(started) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const day = [started.getFullYear(), two(started.getMonth() + 1), two(started.getDate())].join("-");
  return `call-${day}-${two(started.getHours())}${two(started.getMinutes())}${two(started.getSeconds())}`;
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
