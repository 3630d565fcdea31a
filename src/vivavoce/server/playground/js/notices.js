// @ts-check
import { byId, button, el, icon } from "./dom.js";
import { wordsOf } from "./problems.js";

/** @type {Record<import("./problems.js").Action, string>} */
const LABELS = {
  retry: "Try again",
  type: "Type instead",
  websocket: "Use WebSocket",
  reconnect: "Reconnect",
  key: "Enter a key",
  settings: "Open the settings",
};

/** Tells the person what went wrong, and what they can do. One notice of a kind at a time. */
export class Notices {
  #place = byId("notices");

  /** @param {(action: import("./problems.js").Action) => void} act */
  constructor(act) {
    this.act = act;
  }

  /** @param {import("./problems.js").Problem} problem */
  tell(problem) {
    const { title, text, actions } = wordsOf(problem);
    const close = () => notice.remove();
    const notice = el(
      "div",
      { class: "notice", role: "alert", data: { kind: problem.kind } },
      icon("alert"),
      el(
        "div",
        {},
        el("strong", { text: title }),
        el("p", { text }),
        el("div", { class: "row" }, ...actions.map((action, n) => button(LABELS[action], () => {
          close();
          this.act(action);
        }, { class: `${n ? "secondary" : "primary"} small` }))),
      ),
      button("", close, { class: "plain", "aria-label": "Dismiss" }),
    );
    notice.lastElementChild.append(icon("close"));
    this.#place.querySelector(`[data-kind="${problem.kind}"]`)?.remove();
    this.#place.append(notice);
    while (this.#place.childElementCount > 3) this.#place.firstElementChild.remove();
  }

  /** Take all of them away. */
  clear() {
    this.#place.replaceChildren();
  }
}
