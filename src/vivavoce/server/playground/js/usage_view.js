// @ts-check
import { byId, el } from "./dom.js";
import { clock, count } from "./format.js";
import { cost, readPrices } from "./usage.js";

const KINDS = ["text", "audio", "image"];

/** Shows what was used, what it cost, and what the session is. */
export class UsageView {
  /** @type {any} */ session = null;
  /** @type {any} */ welcome = null;
  connection = "";

  /**
   * @param {import("./parts.js").Parts} parts
   * @param {() => string} prices the price table, as it was written
   */
  constructor(parts, prices) {
    this.parts = parts;
    this.prices = prices;
  }

  /** Show it as it is now. */
  refresh() {
    const { tokens } = this.parts;
    const model = this.session?.model ?? this.welcome?.model ?? "";
    const [amount, note] = this.#cost(model);
    byId("cost").textContent = amount;
    byId("cost-note").textContent = note;
    const all = (/** @type {string} */ kind) => tokens[kind] ?? 0;
    const rows = KINDS.map((kind) => [kind, all(`${kind}_input`), all(`cached_${kind}_input`), kind === "image" ? null : all(`${kind}_output`)]);
    const sums = [1, 2, 3].map((n) => rows.reduce((sum, row) => sum + (Number(row[n]) || 0), 0));
    byId("tokens").replaceChildren(...[...rows, ["all", ...sums]].map(rowOf));
    byId("session-facts").replaceChildren(...this.#facts(model));
    byId("download-events").disabled = !this.parts.log.entries.length;
  }

  /**
   * @param {string} model
   * @returns {[string, string]}
   */
  #cost(model) {
    let table = null;
    try {
      table = readPrices(this.prices());
    } catch {
      // The settings say what is wrong with it.
    }
    const { tokens, responses } = this.parts;
    const answers = `${count(responses)} ${responses === 1 ? "answer" : "answers"}`;
    const spent = cost(tokens, table, model);
    if (spent !== null) {
      const amount = spent.toLocaleString("en-US", { style: "currency", currency: table?.currency ?? "USD", maximumFractionDigits: 4 });
      return [amount, `${answers} of ${model}`];
    }
    if (this.welcome?.free) return ["0", `Your own machine. ${answers}.`];
    return ["–", responses ? `${answers}. The settings have no price for ${model}.` : "Nothing was used yet."];
  }

  /** @param {string} model */
  #facts(model) {
    const { engines } = this.welcome ?? {};
    /** @type {[string, string][]} */
    const facts = [
      ["Model", model],
      ["Voice", this.session?.audio?.output?.voice?.id ?? this.session?.audio?.output?.voice ?? ""],
      ["Session", this.session?.id ?? ""],
      ["Connection", this.connection],
      ["Length", this.parts.log.entries.length ? clock(this.parts.now) : ""],
      ["Engines", engines ? [...new Set(Object.values(engines))].join(", ") : ""],
      ["Server", this.welcome ? `vivavoce ${this.welcome.version}` : ""],
    ];
    return facts.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: value })));
  }
}

/** @param {any[]} row */
function rowOf([name, ...values]) {
  const label = name[0].toUpperCase() + name.slice(1);
  return el("tr", {}, el("th", { scope: "row", text: label }), ...values.map((value) => el("td", { text: value === null ? "–" : count(value) })));
}
