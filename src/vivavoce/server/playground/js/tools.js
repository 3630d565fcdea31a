// @ts-check
/** Tools as they are written in the settings, and what they answer. */

/** @typedef {"fixed" | "ask" | "type"} Mode */
/** @typedef {{mode: Mode, reply: string}} Reply what a function tool of the playground answers */

/** @type {Record<Mode, string>} */
export const MODES = {
  fixed: "answers by itself",
  ask: "asks me first",
  type: "I type the answer",
};

/**
 * Read tools out of JSON: one or a list, as the API has them, or as Chat Completions has them.
 * @param {string} text
 * @returns {any[]}
 * @throws {Error} it is none; the message says why
 */
export function readTools(text) {
  if (!text.trim()) return [];
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON yet: ${/** @type {Error} */ (error).message}`);
  }
  const tools = (Array.isArray(value) ? value : [value]).map((tool, n) => readTool(tool, n + 1));
  const names = tools.map((tool) => tool.name ?? tool.server_label);
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice) throw new Error(`There are two tools called “${twice}”.`);
  return tools;
}

/**
 * @param {any} tool
 * @param {number} place
 */
function readTool(tool, place) {
  if (tool === null || typeof tool !== "object" || Array.isArray(tool)) throw new Error(`Tool ${place} is no object.`);
  const flat = { type: "function", ...tool, ...(typeof tool.function === "object" ? tool.function : {}) };
  delete flat.function;
  delete flat.strict;
  if (flat.type === "mcp") {
    if (!flat.server_label) throw new Error(`Tool ${place} needs a "server_label".`);
    return flat;
  }
  if (flat.type !== "function") throw new Error(`Tool ${place} is of type “${flat.type}”; there are "function" and "mcp".`);
  if (typeof flat.name !== "string" || !/^[\w.-]{1,64}$/.test(flat.name)) {
    throw new Error(`Tool ${place} needs a "name" of letters, digits, _ or -.`);
  }
  return { parameters: { type: "object", properties: {} }, ...flat };
}

/** Tools to try: what they are called, their JSON, and what they answer. */
export const EXAMPLES = [
  {
    label: "Weather",
    tool: {
      type: "function",
      name: "get_weather",
      description: "Get the weather of a city.",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
    reply: { mode: /** @type {Mode} */ ("fixed"), reply: '{"weather": "sunny", "degrees": 21}' },
    say: "What is the weather in Oslo?",
  },
  {
    label: "Book a table",
    tool: {
      type: "function",
      name: "book_table",
      description: "Book a table in the restaurant.",
      parameters: {
        type: "object",
        properties: { people: { type: "integer" }, day: { type: "string" } },
        required: ["people", "day"],
      },
    },
    reply: { mode: /** @type {Mode} */ ("ask"), reply: '{"booked": true, "table": "by the window"}' },
    say: "Book a table for two people on Friday.",
  },
];
