// @ts-check
import { Problem } from "./problems.js";

/** Whether the browser lets this page have a microphone at all. */
export function possible() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/**
 * Open a microphone.
 * @param {string} deviceId empty: the browser's own choice
 * @returns {Promise<MediaStream>}
 * @throws {Problem} it cannot be had
 */
export async function openMicrophone(deviceId) {
  if (!possible()) throw new Problem("microphone_insecure");
  const audio = {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
  };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new Problem(KINDS[/** @type {any} */ (error).name] ?? "microphone_failed", String(error));
  }
}

/** @type {Record<string, string>} */
const KINDS = {
  NotAllowedError: "microphone_refused",
  SecurityError: "microphone_refused",
  NotFoundError: "microphone_missing",
  OverconstrainedError: "microphone_gone",
  NotReadableError: "microphone_in_use",
  AbortError: "microphone_in_use",
};

/**
 * The microphones there are. Before the person has allowed one, browsers name none of them.
 * @returns {Promise<{id: string, label: string}[]>}
 */
export async function microphones() {
  if (!navigator.mediaDevices?.enumerateDevices) return [];
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "audioinput" && device.deviceId && device.deviceId !== "default")
    .map((device, n) => ({ id: device.deviceId, label: device.label || `Microphone ${n + 1}` }));
}
