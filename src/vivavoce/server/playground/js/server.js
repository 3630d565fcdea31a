// @ts-check
import { Problem, problemOf } from "./problems.js";

/** Where the page came from: the only server that it speaks to. */
const BASE = new URL(".", document.baseURI);
const HANG_UP_MS = 2000;

/**
 * The address of something on the server.
 * @param {string} path
 */
export function address(path) {
  return new URL(path, BASE).href;
}

/** @param {string} key */
function bearer(key) {
  return key ? { authorization: `Bearer ${key}` } : {};
}

/**
 * @typedef {object} Welcome what the server tells of itself
 * @property {string} version
 * @property {boolean} asks_for_key
 * @property {boolean} admitted
 * @property {{status: number, code: string | null, message: string} | null} error
 * @property {string} [model]
 * @property {string} [voice]
 * @property {string[]} [voices]
 * @property {string} [instructions]
 * @property {Record<string, string>} [engines]
 * @property {boolean} [free]
 * @property {boolean} [webrtc] whether it takes calls by WebRTC
 * @property {boolean} [webrtc_off] whether whoever runs it wants none
 */

/**
 * Ask the server whether it would let us in. A browser does not tell why a WebSocket was refused; this does.
 * @param {string} key API key or client secret; empty: none
 * @returns {Promise<Welcome>}
 * @throws {Problem} it does not answer
 */
export async function knock(key) {
  let answer;
  try {
    answer = await fetch(address("playground/knock"), { method: "POST", headers: bearer(key) });
  } catch (error) {
    throw new Problem("unreachable", String(error));
  }
  if (!answer.ok) throw new Problem("unreachable", `${answer.status}`);
  return answer.json();
}

/**
 * Return what a connection is opened with: a client secret, so that no API key stands in a handshake.
 * @param {string} key API key or client secret; empty: none
 */
export async function secretFor(key) {
  if (!key || key.startsWith("ek_")) return key;
  const answer = await fetch(address("v1/realtime/client_secrets"), {
    method: "POST",
    headers: { ...bearer(key), "content-type": "application/json" },
    body: JSON.stringify({ session: { type: "realtime" } }),
  });
  const body = await answer.json();
  if (!answer.ok) throw problemOf({ status: answer.status, ...body.error }, true);
  return body.value;
}

/**
 * End a call that will come to nothing: until the server knows, it keeps a place for it.
 * @param {string} callId
 * @param {string} key API key; empty: none. A client secret ends no calls, and none is tried.
 */
export async function hangUp(callId, key) {
  if (key.startsWith("ek_")) return;
  try {
    await fetch(address(`v1/realtime/calls/${encodeURIComponent(callId)}/hangup`), {
      method: "POST",
      headers: bearer(key),
      keepalive: true,
      signal: AbortSignal.timeout(HANG_UP_MS),
    });
  } catch {
    // Then the server gives the call up by itself, some seconds later.
  }
}

/**
 * Exchange session descriptions.
 * @param {string} offer
 * @param {string} secret
 * @returns {Promise<{answer: string, callId: string}>}
 */
export async function call(offer, secret) {
  let answer;
  try {
    answer = await fetch(address("v1/realtime/calls"), {
      method: "POST",
      headers: { ...bearer(secret), "content-type": "application/sdp" },
      body: offer,
      signal: AbortSignal.timeout(8000),
    });
  } catch (error) {
    throw new Problem("unreachable", String(error));
  }
  const text = await answer.text();
  if (answer.ok) {
    const callId = (answer.headers.get("location") ?? "").split("/").pop() ?? "";
    return { answer: text, callId };
  }
  let error = { message: text.slice(0, 300), code: null };
  try {
    error = JSON.parse(text).error;
  } catch {
    // Whoever stands between may answer in no JSON at all.
  }
  throw problemOf({ status: answer.status, ...error }, Boolean(secret));
}
