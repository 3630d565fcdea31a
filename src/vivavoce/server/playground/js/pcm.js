// @ts-check
/** Samples, bytes and base64. */

/**
 * PCM16 in base64.
 * @param {ArrayBuffer} buffer
 */
export function toBase64(buffer) {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/**
 * PCM16 in base64 as samples between -1 and 1.
 * @param {string} base64
 */
export function fromBase64(base64) {
  const text = atob(base64);
  const samples = new Float32Array(text.length >> 1);
  for (let n = 0; n < samples.length; n += 1) {
    const value = text.charCodeAt(2 * n) | (text.charCodeAt(2 * n + 1) << 8);
    samples[n] = (value > 32767 ? value - 65536 : value) / 32768;
  }
  return samples;
}

/**
 * How many bytes some base64 stands for.
 * @param {string} base64
 */
export function bytesIn(base64) {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return (base64.length * 3) / 4 - padding;
}

/**
 * The head of a WAV file of PCM16.
 * @param {number} bytes of samples
 * @param {number} rate
 * @param {number} channels
 */
export function wavHead(bytes, rate, channels) {
  const view = new DataView(new ArrayBuffer(44));
  const text = (/** @type {number} */ at, /** @type {string} */ word) =>
    [...word].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels * 2, true);
  view.setUint16(32, channels * 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, bytes, true);
  return view.buffer;
}
