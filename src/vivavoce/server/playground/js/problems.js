// @ts-check
/** What can go wrong, in words that say what to do. */

/** Something went wrong that the person should be told. */
export class Problem extends Error {
  /**
   * @param {string} kind key of `WORDS`
   * @param {string} [detail] what the browser or the server said
   */
  constructor(kind, detail = "") {
    super(`${kind}: ${detail}`);
    this.kind = kind;
    this.detail = detail;
  }
}

/** @typedef {"retry" | "type" | "websocket" | "reconnect" | "key" | "settings"} Action */
/** @typedef {{title: string, text: string, actions: Action[]}} Words */

/** @type {Record<string, Words>} */
const WORDS = {
  microphone_refused: {
    title: "The microphone is blocked",
    text: "The browser does not let this page hear you. Allow the microphone in the address bar, then try again. You can also type.",
    actions: ["retry", "type"],
  },
  microphone_missing: {
    title: "No microphone found",
    text: "Plug one in, or switch it on, then try again. You can also type.",
    actions: ["retry", "type"],
  },
  microphone_gone: {
    title: "That microphone is gone",
    text: "The one that was chosen is not connected any more. Choose another in the settings.",
    actions: ["settings", "type"],
  },
  microphone_in_use: {
    title: "The microphone is busy",
    text: "Another program seems to use it, or the system holds it back. Close that program, then try again.",
    actions: ["retry", "type"],
  },
  microphone_insecure: {
    title: "No microphone on this address",
    text: "Browsers give pages a microphone only over https or on localhost. Open this page there, or type.",
    actions: ["type"],
  },
  microphone_failed: {
    title: "The microphone does not work",
    text: "The browser could not open it.",
    actions: ["retry", "type"],
  },
  key_needed: {
    title: "This server asks for a key",
    text: "Enter an API key, or a client secret (ek_…), in the settings.",
    actions: ["key"],
  },
  key_wrong: {
    title: "The key is not accepted",
    text: "Check it in the settings. A client secret also ends after a while.",
    actions: ["key"],
  },
  refused: { title: "The server refuses this page", text: "", actions: ["retry"] },
  full: { title: "The server is full", text: "", actions: ["retry"] },
  limited: { title: "This key has reached its limit", text: "", actions: ["retry"] },
  unreachable: {
    title: "The server does not answer",
    text: "It may have been stopped, or the network is down.",
    actions: ["retry"],
  },
  webrtc_failed: {
    title: "No connection over WebRTC",
    text: "Speech travels over UDP there, and something on the way lets none through. WebSocket mostly works.",
    actions: ["websocket", "retry"],
  },
  webrtc_missing: {
    title: "This server takes no WebRTC",
    text: "Use WebSocket instead.",
    actions: ["websocket"],
  },
  websocket_failed: {
    title: "The connection could not be opened",
    text: "The server or something on the way closed it.",
    actions: ["retry"],
  },
  lost: {
    title: "The connection was lost",
    text: "What was said is kept. Reconnect to go on where you were.",
    actions: ["reconnect"],
  },
  ended: { title: "The server ended the session", text: "", actions: ["reconnect"] },
  settings: { title: "A setting needs your attention", text: "", actions: ["settings"] },
  image: { title: "That picture cannot be used", text: "", actions: [] },
  server_error: { title: "The server reports an error", text: "", actions: [] },
  failed: { title: "Something went wrong", text: "", actions: ["retry"] },
};

/** Kinds whose words are the server's own. */
const DETAILED = new Set(["refused", "full", "limited", "ended", "settings", "image", "server_error", "failed"]);

/**
 * Return a problem in words.
 * @param {Problem} problem
 * @returns {Words}
 */
export function wordsOf(problem) {
  const words = WORDS[problem.kind] ?? WORDS.failed;
  const detail = DETAILED.has(problem.kind) ? problem.detail : "";
  return { ...words, text: [words.text, detail].filter(Boolean).join(" ") };
}

/**
 * Return the problem that a refusal of the server is.
 * @param {{status: number, code: string | null, message: string}} error
 * @param {boolean} hasKey whether a key was shown
 */
export function problemOf(error, hasKey) {
  if (error.status === 401) return new Problem(hasKey ? "key_wrong" : "key_needed", error.message);
  if (error.status === 429) return new Problem("limited", error.message);
  if (error.status === 503) return new Problem("full", error.message);
  if (error.status === 501) return new Problem("webrtc_missing", error.message);
  return new Problem("refused", error.message);
}
