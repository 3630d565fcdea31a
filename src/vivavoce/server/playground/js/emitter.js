// @ts-check

/** Tells whoever asked for it what happens, by name. */
export class Emitter {
  /** @type {Map<string, ((detail: any) => void)[]>} */
  #listeners = new Map();

  /**
   * Be told of something.
   * @param {string} name
   * @param {(detail: any) => void} listener
   */
  on(name, listener) {
    const known = this.#listeners.get(name);
    if (known) known.push(listener);
    else this.#listeners.set(name, [listener]);
  }

  /**
   * Tell of something.
   * @param {string} name
   * @param {any} [detail]
   */
  emit(name, detail) {
    for (const listener of this.#listeners.get(name) ?? []) listener(detail);
  }
}
