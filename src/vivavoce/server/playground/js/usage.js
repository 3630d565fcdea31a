// @ts-check
/** Tokens, and what they cost by a price table of the form that `PriceTable.from_file` reads. */

const MILLION = 1e6;
const PRICES = [
  "text_input", "audio_input", "image_input", "cached_text_input", "cached_audio_input", "cached_image_input",
  "text_output", "audio_output",
];

/**
 * @typedef {Record<string, number>} Tokens by kind: `text_input`, `cached_text_input`, …; cached ones are not counted
 *   among the others
 * @typedef {{currency: string, models: Record<string, Record<string, number>>}} PriceTable
 */

/**
 * Read a price table.
 * @param {string} text JSON; empty: no prices
 * @returns {PriceTable | null}
 * @throws {Error} it is none
 */
export function readPrices(text) {
  if (!text.trim()) return null;
  const { models, currency = "USD", ...rest } = JSON.parse(text);
  if (typeof models !== "object" || models === null || Object.keys(rest).length) {
    throw new Error('A price table has "models" (prices for each) and "currency".');
  }
  for (const [model, prices] of Object.entries(models)) {
    for (const [name, price] of Object.entries(prices)) {
      if (!PRICES.includes(name)) throw new Error(`“${model}” has no price called “${name}”; there are ${PRICES.join(", ")}.`);
      if (typeof price !== "number" || price < 0) throw new Error(`${name} of “${model}” must be a number, 0 or more.`);
    }
  }
  return { currency, models };
}

/**
 * Return the tokens of a response by kind.
 * @param {any} usage
 * @returns {Tokens}
 */
export function tokensOf(usage) {
  const read = usage?.input_token_details ?? {};
  const written = usage?.output_token_details ?? {};
  const details = read.cached_tokens_details ?? {};
  /** @type {Tokens} */
  const tokens = { text_output: written.text_tokens ?? 0, audio_output: written.audio_tokens ?? 0 };
  let rest = read.cached_tokens ?? 0;
  const kinds = ["text", "audio", "image"];
  const cached = kinds.map((kind) => Math.min(details[`${kind}_tokens`] ?? 0, read[`${kind}_tokens`] ?? 0));
  rest = Math.max(0, rest - cached.reduce((sum, one) => sum + one, 0));
  kinds.forEach((kind, n) => {
    const all = read[`${kind}_tokens`] ?? 0;
    // Cached tokens of no kind count as text first, then as audio.
    const more = kind === "image" ? 0 : Math.min(rest, all - cached[n]);
    rest -= more;
    tokens[`cached_${kind}_input`] = cached[n] + more;
    tokens[`${kind}_input`] = all - cached[n] - more;
  });
  return tokens;
}

/**
 * Add tokens to others.
 * @param {Tokens} sum
 * @param {Tokens} more
 */
export function add(sum, more) {
  for (const [kind, tokens] of Object.entries(more)) sum[kind] = (sum[kind] ?? 0) + tokens;
}

/**
 * Return what tokens of a model cost, or `null` where the table has no price for it.
 * @param {Tokens} tokens
 * @param {PriceTable | null} table
 * @param {string} model
 */
export function cost(tokens, table, model) {
  const dated = Object.keys(table?.models ?? {})
    .filter((name) => model.startsWith(`${name}-`) && /^\d/.test(model.slice(name.length + 1)))
    .sort((a, b) => b.length - a.length)[0];
  const prices = table?.models[model] ?? (dated ? table?.models[dated] : undefined);
  if (!prices) return null;
  let sum = 0;
  for (const [kind, amount] of Object.entries(tokens)) {
    sum += amount * (prices[kind] ?? (kind.startsWith("cached_") ? prices[kind.slice(7)] : 0) ?? 0);
  }
  return sum / MILLION;
}
