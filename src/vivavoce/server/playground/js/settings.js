// @ts-check
import { Problem } from "./problems.js";
import { readTools } from "./tools.js";

const STORED = "vivavoce.playground";
const KEY = "vivavoce.playground.key";

/** What can be set, and how it begins. Empty means: as the server has it. */
export const DEFAULTS = {
  transport: "webrtc",
  microphone: "",
  instructions: "",
  voice: "",
  speed: "1",
  modality: "audio",
  turns: "server_vad",
  silence: "",
  threshold: "",
  idle: "",
  eagerness: "auto",
  interrupt: true,
  transcribe: true,
  tools: "",
  prices: "",
  /** @type {Record<string, import("./tools.js").Reply>} what function tools answer, by name */
  replies: {},
};

/** @typedef {typeof DEFAULTS} Settings */

/** What of an MCP tool opens doors. */
const CREDENTIALS = ["authorization", "headers"];

/**
 * Tools as they may be kept: without credentials, which hold for as long as the page is open. What cannot be read
 * but may hold some is not kept.
 * @param {string} text
 */
export function withoutCredentials(text) {
  if (!CREDENTIALS.some((name) => text.includes(name))) return text;
  try {
    const kept = [JSON.parse(text)].flat().map((tool) =>
      Object.fromEntries(Object.entries(tool).filter(([name]) => tool.type !== "mcp" || !CREDENTIALS.includes(name))),
    );
    return JSON.stringify(kept, null, 2);
  } catch {
    return "";
  }
}

/** The settings as they were left in this browser. A key is never among them. */
export function storedSettings() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(STORED) ?? "{}") };
  } catch {
    return { ...DEFAULTS };
  }
}

/** @param {Settings} settings */
export function storeSettings(settings) {
  try {
    localStorage.setItem(STORED, JSON.stringify({ ...settings, tools: withoutCredentials(settings.tools) }));
  } catch {
    // A browser that keeps nothing: then they hold for as long as the page is open.
  }
}

/** The key of this tab, where the person wanted it kept. */
export function storedKey() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key empty: keep none */
export function storeKey(key) {
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Then it is typed again.
  }
}

/**
 * Return what a `session.update` says.
 * @param {Settings} settings
 * @returns {any}
 * @throws {Problem} a setting cannot be used
 */
export function sessionOf(settings) {
  let tools;
  try {
    tools = readTools(settings.tools);
  } catch (error) {
    throw new Problem("settings", `Tools: ${/** @type {Error} */ (error).message}`);
  }
  const session = {
    type: "realtime",
    output_modalities: [settings.modality],
    audio: {
      input: {
        turn_detection: turnsOf(settings),
        transcription: settings.transcribe ? { model: "gpt-4o-mini-transcribe" } : null,
      },
      output: { speed: Number(settings.speed), ...(settings.voice ? { voice: settings.voice } : {}) },
    },
    tools,
  };
  return settings.instructions.trim() ? { ...session, instructions: settings.instructions } : session;
}

/**
 * @param {Settings} settings
 * @returns {any}
 */
function turnsOf(settings) {
  if (settings.turns === "none") return null;
  const both = { create_response: true, interrupt_response: settings.interrupt };
  if (settings.turns === "semantic_vad") return { type: "semantic_vad", eagerness: settings.eagerness, ...both };
  return {
    type: "server_vad",
    ...(settings.silence ? { silence_duration_ms: Number(settings.silence) } : {}),
    ...(settings.threshold ? { threshold: Number(settings.threshold) } : {}),
    ...(settings.idle ? { idle_timeout_ms: Number(settings.idle) } : {}),
    ...both,
  };
}
