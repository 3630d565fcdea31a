// @ts-check
import { byId, button, el, icon, show } from "./dom.js";
import { scaled } from "./images.js";
import { Problem } from "./problems.js";

const MOST_PICTURES = 4;

/** Where messages are typed, and pictures are added: by the button, by dropping or by pasting them. */
export class Composer {
  #field = byId("message");
  #pictures = byId("pictures");
  /** @type {string[]} */ #images = [];

  /**
   * @param {(text: string, images: string[]) => void} send
   * @param {(problem: Problem) => void} complain
   */
  constructor(send, complain) {
    this.send = send;
    this.complain = complain;
    byId("composer").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener("input", () => this.#refresh());
    this.#field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    byId("attach").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", () => {
      void this.#add([...byId("file").files]);
      byId("file").value = "";
    });
    document.addEventListener("paste", (event) => this.#take(event, event.clipboardData));
    this.#dropping();
  }

  #dropping() {
    const drop = byId("drop");
    const carries = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      show(drop, true);
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) show(drop, false);
    });
    document.addEventListener("drop", (event) => {
      show(drop, false);
      this.#take(event, event.dataTransfer);
    });
  }

  /**
   * @param {Event} event
   * @param {DataTransfer | null} data
   */
  #take(event, data) {
    const files = [...(data?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    void this.#add(files);
  }

  /** @param {Blob[]} files */
  async #add(files) {
    for (const file of files) {
      if (this.#images.length >= MOST_PICTURES) {
        this.complain(new Problem("image", `There is room for ${MOST_PICTURES} in a message.`));
        return;
      }
      try {
        this.#images.push(await scaled(file));
      } catch (error) {
        this.complain(/** @type {Problem} */ (error));
      }
      this.#refresh();
    }
    this.#field.focus();
  }

  #submit() {
    const text = this.#field.value.trim();
    if (!text && !this.#images.length) return;
    this.send(text, this.#images);
    this.#images = [];
    this.#field.value = "";
    this.#refresh();
  }

  #refresh() {
    byId("send").disabled = !this.#field.value.trim() && !this.#images.length;
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(140, this.#field.scrollHeight)}px`;
    this.#pictures.replaceChildren(...this.#images.map((url, n) => this.#picture(url, n)));
  }

  /**
   * @param {string} url
   * @param {number} place
   */
  #picture(url, place) {
    const remove = button("", () => {
      this.#images.splice(place, 1);
      this.#refresh();
      this.#field.focus();
    }, { "aria-label": `Remove picture ${place + 1}` });
    remove.append(icon("close"));
    return el("div", { class: "picture" }, el("img", { src: url, alt: `Picture ${place + 1}, to be sent` }), remove);
  }
}
