// @ts-check
import { button, el, icon } from "./dom.js";
import { pretty } from "./format.js";

/** @type {Record<string, string>} */
const STATES = {
  running: "running",
  asking: "waits for you",
  typing: "waits for your answer",
  done: "done",
  denied: "denied",
  lost: "lost with the connection",
};

/**
 * Return the card of a call: what is called, with what, what came of it, and what the person can decide.
 * @param {import("./conversation.js").Entry} entry
 * @param {import("./responder.js").Responder} responder
 * @returns {HTMLElement}
 */
export function cardOf(entry, responder) {
  const { item } = entry;
  const asks = entry.kind === "approval";
  const call = responder.calls.get(entry.id);
  const state = call?.state ?? (entry.kind === "mcp" ? mcpState(item) : "running");
  const waits = state === "asking" || state === "typing";
  const name = item.server_label ? `${item.server_label} · ${item.name}` : item.name;
  const card = el(
    "div",
    { class: `card${waits ? " asks" : ""}`, role: "group", "aria-label": `${asks ? "Approval of" : "Call of"} ${name}` },
    el("div", { class: "card-head" }, icon("tool"), el("code", { text: name }), el("span", { class: "state", text: STATES[state] ?? state })),
  );
  if (asks) card.append(el("p", { text: "The server wants to call this tool of an MCP server." }));
  if (item.arguments) card.append(block("Arguments", pretty(item.arguments)));
  if (state === "asking") card.append(decision(entry.id, responder));
  else if (state === "typing") card.append(answer(entry.id, responder));
  else if (state === "lost") card.append(el("p", { text: "The connection ended before this was answered. Ask the agent again." }));
  const output = item.output ?? (item.error ? JSON.stringify(item.error) : "");
  if (output) card.append(block(item.error ? "Error" : "Result", pretty(output)));
  return card;
}

/** @param {any} item */
function mcpState(item) {
  if (item.error) return "failed";
  return (item.output ?? null) !== null ? "done" : "running";
}

/**
 * @param {string} title
 * @param {string} text
 */
function block(title, text) {
  return el("div", {}, el("h4", { text: title }), el("pre", { text, tabindex: text.length > 400 ? 0 : null }));
}

/**
 * @param {string} id
 * @param {import("./responder.js").Responder} responder
 */
function decision(id, responder) {
  return el(
    "div",
    { class: "row" },
    button("Approve", () => responder.decide(id, true), { class: "primary small" }),
    button("Deny", () => responder.decide(id, false), { class: "secondary small" }),
  );
}

/**
 * @param {string} id
 * @param {import("./responder.js").Responder} responder
 */
function answer(id, responder) {
  const field = el("textarea", { class: "code", rows: 2, "aria-label": "Answer of the tool", spellcheck: "false", placeholder: '{"ok": true}' });
  const send = () => {
    const text = field.value.trim() || "{}";
    field.blur();
    field.remove();
    responder.answer(id, text);
  };
  return el("div", { class: "reply" }, field, el("div", { class: "row" }, button("Send the answer", send, { class: "primary small" })));
}
