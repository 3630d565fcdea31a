// @ts-check
import { Problem } from "./problems.js";

const LONGEST_SIDE = 1024;
const MOST_CHARACTERS = 180_000;
const SMALLEST_SIDE = 128;

/**
 * Make a picture small enough for a message of a data channel.
 * @param {Blob} file
 * @returns {Promise<string>} a data URL of a JPEG
 * @throws {Problem} it is none that the browser can read
 */
export async function scaled(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new Problem("image", `“${/** @type {any} */ (file).name ?? "It"}” is no picture that this browser can read.`);
  }
  const whole = Math.max(picture.width, picture.height);
  for (let side = Math.min(LONGEST_SIDE, whole); side >= Math.min(SMALLEST_SIDE, whole); side = Math.floor(side * 0.75)) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round((picture.width * side) / whole));
    canvas.height = Math.max(1, Math.round((picture.height * side) / whole));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    // What is transparent would be black in a JPEG.
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const quality of [0.85, 0.7, 0.5]) {
      const url = canvas.toDataURL("image/jpeg", quality);
      if (url.length <= MOST_CHARACTERS) return url;
    }
  }
  throw new Problem("image", "It cannot be made small enough to be sent.");
}
