// @ts-check
/** The page: everything there is, joined together. */

import { Call } from "./call.js";
import { Composer } from "./composer.js";
import { ConversationView } from "./conversation_view.js";
import { byId, show } from "./dom.js";
import { startDownloads } from "./downloads.js";
import { EventsView } from "./events_view.js";
import { clock } from "./format.js";
import { startKeys } from "./keys.js";
import { Layout } from "./layout.js";
import { Notices } from "./notices.js";
import { Parts } from "./parts.js";
import { problemOf } from "./problems.js";
import { knock } from "./server.js";
import { SettingsPanel } from "./settings_panel.js";
import { Stage } from "./stage.js";
import { startTheme } from "./theme.js";
import { TimelineView } from "./timeline_view.js";
import { UsageView } from "./usage_view.js";

const TICK_MS = 500;
const KINDS = { webrtc: "WebRTC", websocket: "WebSocket" };

const layout = new Layout();
const panel = new SettingsPanel();
/** @type {Call} */ let call;
const parts = new Parts((event) => call.send(event), (name) => panel.replyOf(name));
call = new Call(parts, byId("speaker"));
const notices = new Notices(act);
const stage = new Stage(call);
const events = new EventsView(parts.log);
const timeline = new TimelineView(parts.timeline, parts.conversation);
const usage = new UsageView(parts, () => panel.settings.prices);
new ConversationView(parts);
/** @type {{text: string, images: string[]} | null} */ let unsent = null;
let voice = true;

const tell = (/** @type {import("./problems.js").Problem} */ problem) => notices.tell(problem);
new Composer((text, images) => void write(text, images), tell);
startTheme(() => stage.recolour());
startKeys(call);
startDownloads(parts, call);

call.on("problem", tell);
call.on("hint", (text) => (byId("activity").textContent = text));
call.on("welcome", (welcome) => {
  usage.welcome = welcome;
  panel.welcome(welcome);
});
call.on("session", (session) => {
  usage.session = session;
  refresh();
});
call.on("phase", (phase) => {
  if (phase === "connecting") notices.clear();
  if (phase === "live") void live();
  else show(byId("apply"), false);
  refresh();
});
parts.responder.on("waiting", (waiting) => {
  stage.waiting = waiting;
  stage.refresh();
});
panel.on("changed", (ofSession) => {
  if (ofSession && call.phase === "live") show(byId("apply"), true);
  usage.refresh();
});
panel.on("microphone", (id) => {
  if (call.phase === "live" && call.microphone) void useMicrophone(id);
});
layout.on("shown", () => {
  events.refresh();
  usage.refresh();
  timeline.tick();
});

byId("start").addEventListener("click", () => void start(true));
byId("end").addEventListener("click", () => void call.end());
byId("interrupt").addEventListener("click", () => void call.interrupt());
byId("mute").addEventListener("click", () => {
  if (call.microphone) call.mute(!call.muted);
  else void useMicrophone(panel.settings.microphone);
});
byId("apply-now").addEventListener("click", () => {
  try {
    call.apply(panel.settings);
    show(byId("apply"), false);
  } catch (error) {
    tell(/** @type {any} */ (error));
  }
});

/**
 * Connect, with the microphone or without.
 * @param {boolean} withVoice
 */
async function start(withVoice) {
  voice = withVoice;
  await call.start(panel.settings, { key: panel.key, voice: withVoice });
}

/** Connected: what was typed before goes now, and the space bar must not press what was pressed last. */
async function live() {
  byId("talk").focus({ preventScroll: true });
  await panel.listMicrophones();
  if (!unsent) return;
  const { text, images } = unsent;
  unsent = null;
  await call.write(text, images);
}

/**
 * Send a message; where there is no connection, make one.
 * @param {string} text
 * @param {string[]} images
 */
async function write(text, images) {
  if (call.phase === "live") {
    await call.write(text, images);
    return;
  }
  unsent = { text, images };
  if (call.phase !== "connecting") await start(false);
}

/** @param {string} id */
async function useMicrophone(id) {
  try {
    await call.useMicrophone(id);
    await panel.listMicrophones();
  } catch (error) {
    tell(/** @type {any} */ (error));
  }
}

/** @param {import("./problems.js").Action} action */
function act(action) {
  if (action === "key") layout.toKey();
  else if (action === "settings") layout.settings(true);
  else if (action === "type") void typeInstead();
  else {
    if (action === "websocket") panel.set("transport", "websocket");
    void start(voice);
  }
}

/** Go on without a microphone. */
async function typeInstead() {
  if (call.phase !== "live") await start(false);
  byId("message").focus();
}

/** Show what changes with time. */
function refresh() {
  const live = call.phase === "live";
  usage.connection = call.transport ? `${KINDS[call.transport.kind]}${call.transport.callId ? ` · ${call.transport.callId}` : ""}` : "";
  const facts = live && call.transport && call.session ? [KINDS[call.transport.kind], call.session.model, clock(parts.now)] : [];
  show(byId("facts"), Boolean(facts.length));
  byId("facts").textContent = facts.join(" · ");
  byId("download-wav").disabled = !(call.audio?.recording ?? parts.recording);
  usage.refresh();
}

// Who leaves in the middle of connecting leaves no place taken.
window.addEventListener("pagehide", () => {
  if (call.phase === "connecting") void call.transport?.close();
});

setInterval(() => {
  call.tick();
  if (call.phase !== "live" || document.hidden) return;
  timeline.tick();
  refresh();
}, TICK_MS);

byId("talk").toggleAttribute("data-empty", true);
stage.refresh();
refresh();
try {
  const welcome = await knock(panel.key);
  usage.welcome = welcome;
  panel.welcome(welcome);
  if (welcome.error && (panel.key || welcome.error.status !== 401)) tell(problemOf(welcome.error, Boolean(panel.key)));
} catch (error) {
  tell(/** @type {any} */ (error));
}
await panel.listMicrophones();
refresh();
document.documentElement.dataset.ready = "true";
