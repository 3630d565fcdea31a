// @ts-check
import { Audio } from "./audio.js";
import { Emitter } from "./emitter.js";
import { openMicrophone } from "./microphone.js";
import { bytesIn } from "./pcm.js";
import { Problem, problemOf } from "./problems.js";
import { knock, secretFor } from "./server.js";
import { sessionOf } from "./settings.js";
import { WebRtcTransport } from "./webrtc.js";
import { WebSocketTransport } from "./websocket.js";

const READY_MS = 8000;
const TAIL_MS = 160;
const SHORTEST_PRESS_MS = 200;
const BYTES_PER_MS = 48;
const SILENCE_MS = 60_000;

/** @typedef {"idle" | "connecting" | "live" | "lost"} Phase */
/** @typedef {"listening" | "hearing" | "thinking" | "speaking"} Activity */

/**
 * One call: from a click to an agent that listens, and everything the person can do in it.
 *
 * Tells `phase`, `activity`, `problem`, `welcome` (what the server told of itself), `session` (as the server has it).
 */
export class Call extends Emitter {
  /** @type {Phase} */ phase = "idle";
  /** @type {Activity} */ activity = "listening";
  /** @type {Audio | null} */ audio = null;
  /** @type {MediaStream | null} */ microphone = null;
  /** @type {import("./websocket.js").Transport | null} */ transport = null;
  /** @type {any} */ session = null;
  muted = false;
  holding = false;
  #pressedAt = 0;
  #clearedAt = 0;
  #cut = new Set();
  #unfinished = "";
  /** @type {{take: (event: any) => void, fail: (problem: Problem) => void} | null} */ #awaiting = null;

  /**
   * @param {import("./parts.js").Parts} parts what is told of every event
   * @param {HTMLAudioElement} speaker
   */
  constructor(parts, speaker) {
    super();
    this.parts = parts;
    this.speaker = speaker;
  }

  /** Whether the agent can be heard, or is about to be. */
  get speaking() {
    return this.activity === "speaking";
  }

  /** Whether the person presses a button to talk. */
  get pushToTalk() {
    return this.session?.audio?.input?.turn_detection === null;
  }

  /**
   * Connect.
   * @param {import("./settings.js").Settings} settings
   * @param {{key: string, voice: boolean}} how `voice`: with the microphone
   */
  async start(settings, { key, voice }) {
    if (this.phase === "connecting" || this.phase === "live") return;
    const again = this.phase === "lost";
    this.#phase("connecting");
    try {
      const wanted = sessionOf(settings);
      const welcome = await knock(key);
      this.emit("welcome", welcome);
      if (welcome.error) throw problemOf(welcome.error, Boolean(key));
      if (voice) this.microphone = await openMicrophone(settings.microphone);
      await this.#connect(settings.transport, key, wanted, again);
      this.#phase("live");
      this.#activity("listening");
    } catch (error) {
      await this.#free();
      this.#phase(again ? "lost" : "idle");
      this.emit("problem", error instanceof Problem ? error : new Problem("failed", String(error)));
    }
  }

  /** Hang up. */
  async end() {
    if (this.phase !== "live") return;
    await this.#free();
    this.#phase("idle");
  }

  /**
   * Change the settings of the session that runs.
   * @param {import("./settings.js").Settings} settings
   */
  apply(settings) {
    this.send({ type: "session.update", session: sessionOf(settings) });
    this.#listenNow();
  }

  /**
   * Take another microphone, or one at all.
   * @param {string} deviceId
   */
  async useMicrophone(deviceId) {
    const before = this.microphone;
    this.microphone = await openMicrophone(deviceId);
    before?.getTracks().forEach((track) => track.stop());
    this.audio?.listen(this.microphone);
    if (this.transport instanceof WebRtcTransport) await this.transport.replace(this.microphone);
    this.#listenNow();
    this.emit("activity", this.activity);
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    this.#listenNow();
    this.emit("activity", this.activity);
  }

  /** Begin to talk, where the person says when. */
  async press() {
    if (this.phase !== "live" || !this.pushToTalk || this.holding || !this.microphone) return;
    this.holding = true;
    this.#pressedAt = performance.now();
    if (this.speaking || this.parts.responder.busy) await this.interrupt();
    this.#clear();
    this.parts.timeline.begin("you");
    this.#listenNow();
    this.#activity("hearing");
  }

  /** Time goes on. Over WebRTC a muted microphone sends silence: where nobody detects turns, it would pile up. */
  tick() {
    const piles = this.phase === "live" && this.pushToTalk && this.transport?.kind === "webrtc";
    if (piles && !this.holding && performance.now() - this.#clearedAt > SILENCE_MS) this.#clear();
  }

  #clear() {
    this.#clearedAt = performance.now();
    this.send({ type: "input_audio_buffer.clear" });
  }

  /** What was said is all: answer it. */
  async release() {
    if (!this.holding) return;
    const letGo = this.parts.now;
    this.parts.timeline.end("you");
    const tooShort = performance.now() - this.#pressedAt < SHORTEST_PRESS_MS;
    // The end of the last word is still on its way here.
    await new Promise((resolve) => setTimeout(resolve, TAIL_MS));
    this.holding = false;
    this.#listenNow();
    if (tooShort) {
      this.#clear();
      this.#activity("listening");
      this.emit("hint", "Hold while you speak, and let go when you are done.");
      return;
    }
    this.send({ type: "input_audio_buffer.commit" });
    this.parts.responder.respond();
    this.parts.timeline.asked(true, letGo);
    this.#activity("thinking");
  }

  /**
   * Send a message.
   * @param {string} text
   * @param {string[]} images data URLs
   */
  async write(text, images) {
    if (this.speaking || this.parts.responder.busy) await this.interrupt();
    const content = [
      ...images.map((image_url) => ({ type: "input_image", image_url })),
      ...(text ? [{ type: "input_text", text }] : []),
    ];
    this.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
    this.parts.responder.respond();
    this.#activity("thinking");
  }

  /** Stop the agent: what was not heard was not said. */
  async interrupt() {
    if (this.parts.responder.busy) this.send({ type: "response.cancel" });
    if (this.transport?.kind === "webrtc") this.send({ type: "output_audio_buffer.clear" });
    else await this.#cutOff();
    this.#activity("listening");
  }

  /**
   * Send an event, and write it down.
   * @param {any} event
   */
  send(event) {
    if (event.type === "response.create") this.parts.timeline.asked(false);
    this.transport?.send(event);
    this.parts.log.add("client", event);
  }

  // --- connecting ---------------------------------------------------------------------------------------------

  /**
   * @param {string} kind
   * @param {string} key
   * @param {any} wanted
   * @param {boolean} again
   */
  async #connect(kind, key, wanted, again) {
    const secret = await secretFor(key);
    this.audio = await Audio.open(again ? this.parts.recording : null);
    this.audio.on("frame", (frame) => this.#spoken(frame));
    this.audio.on("began", () => this.#sounds());
    this.audio.on("idle", () => this.#silent(false));
    this.audio.listen(this.microphone);
    this.emit("audio", this.audio);
    const port = {
      onEvent: (/** @type {any} */ event) => this.#received(event),
      onClose: (/** @type {any} */ end) => this.#lost(end),
      onVoice: (/** @type {MediaStream} */ stream) => this.audio?.attach(stream, this.speaker),
    };
    const voice = this.microphone ?? this.audio.silence();
    this.transport = kind === "webrtc" ? new WebRtcTransport(port, voice, key) : new WebSocketTransport(port);
    await this.transport.open(secret);
    // Not before: what was said last can be read and saved until there is something new.
    if (!again) this.parts.clear();
    if (!this.session) await this.#await((event) => event.type === "session.created");
    // An answer to the settings, good or bad: a setting that cannot be is no reason not to talk.
    const updated = this.#await((event) => event.type === "session.updated" || event.type === "error");
    this.send({ type: "session.update", session: wanted });
    await updated;
    this.#restore();
    this.#listenNow();
  }

  /** Tell a new server what was said with another. The items keep their ids, and so their places on the page. */
  #restore() {
    const history = this.parts.conversation.history();
    for (const item of history) this.send({ type: "conversation.item.create", item });
    if (history.length) this.parts.conversation.note("Connected again. The agent was told what was said before.");
  }

  /**
   * @param {(event: any) => boolean} matches
   * @returns {Promise<void>}
   */
  #await(matches) {
    const kind = this.transport?.kind === "webrtc" ? "webrtc_failed" : "websocket_failed";
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail(new Problem(kind, "The server said nothing.")), READY_MS);
      const over = () => {
        clearTimeout(timer);
        this.#awaiting = null;
      };
      const fail = (/** @type {Problem} */ problem) => {
        over();
        reject(problem);
      };
      const take = (/** @type {any} */ event) => {
        if (!matches(event)) return;
        over();
        resolve();
      };
      this.#awaiting = { take, fail };
    });
  }

  async #free() {
    const closed = this.transport?.close();
    this.transport = null;
    this.holding = false;
    // First of all: what waits for an answer waits for nobody now.
    this.parts.responder.reset();
    this.#silent(false);
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.microphone = null;
    await this.audio?.close();
    if (this.audio) this.parts.recording = this.audio.recording;
    this.audio = null;
    this.speaker.srcObject = null;
    this.session = null;
    // Whoever tries again at once must not meet the place that this call still held.
    await closed;
  }

  /** @param {{code: number, reason: string}} end */
  async #lost({ code, reason }) {
    const problem = new Problem(reason && code !== 1006 ? "ended" : "lost", reason);
    this.#awaiting?.fail(problem);
    if (this.phase !== "live") return;
    await this.#free();
    this.#phase("lost");
    this.emit("problem", problem);
  }

  // --- what comes in ------------------------------------------------------------------------------------------

  /** @param {any} event */
  #received(event) {
    this.parts.receive(event);
    if (event.type === "session.created" || event.type === "session.updated") {
      this.session = event.session;
      this.emit("session", event.session);
      this.#listenNow();
    } else if (event.type === "error") this.emit("problem", new Problem("server_error", event.error.message));
    else if (event.type === "response.output_audio.delta") this.#voice(event);
    else if (event.type === "response.output_audio.done") this.#unfinished = "";
    else if (event.type === "input_audio_buffer.speech_started") void this.#begun();
    else if (event.type === "input_audio_buffer.speech_stopped") this.#activity("thinking");
    else if (event.type === "output_audio_buffer.started") this.#sounds();
    else if (event.type === "output_audio_buffer.stopped") this.#silent(false);
    else if (event.type === "output_audio_buffer.cleared") this.#silent(true);
    else if (event.type === "conversation.item.truncated") this.#askForHeardWords(event.item_id);
    else if (event.type === "response.created" && !this.speaking) this.#activity("thinking");
    else if (event.type === "response.done" && this.activity === "thinking") this.#activity("listening");
    this.#awaiting?.take(event);
  }

  /** @param {any} event */
  #voice(event) {
    if (this.#cut.has(event.item_id)) return;
    this.#unfinished = event.item_id;
    this.parts.conversation.addAudio(event.item_id, bytesIn(event.delta) / BYTES_PER_MS);
    this.audio?.play(event.delta, event.item_id);
  }

  async #begun() {
    this.#activity("hearing");
    const turns = this.session?.audio?.input?.turn_detection;
    if (this.transport?.kind === "websocket" && turns?.interrupt_response !== false) await this.#cutOff();
  }

  /** Over a WebSocket the page alone knows what was heard: it stops, and tells the server. */
  async #cutOff() {
    const heard = await this.audio?.clear();
    if (!heard?.item || !(heard.sounding || this.#unfinished === heard.item)) return;
    this.#cut.add(heard.item);
    this.#silent(true);
    this.send({ type: "conversation.item.truncate", item_id: heard.item, content_index: 0, audio_end_ms: heard.ms });
  }

  /** @param {string} id */
  #askForHeardWords(id) {
    this.send({ type: "conversation.item.retrieve", item_id: id });
  }

  #sounds() {
    this.parts.timeline.heard();
    this.#activity("speaking");
  }

  /** @param {boolean} cut */
  #silent(cut) {
    this.parts.timeline.end("agent", cut);
    if (this.speaking) this.#activity("listening");
  }

  // --- what goes out ------------------------------------------------------------------------------------------

  /** @param {ArrayBuffer} frame */
  #spoken(frame) {
    if (!(this.transport instanceof WebSocketTransport) || this.phase !== "live") return;
    // Where the person says when they speak, what they say otherwise is nobody's business.
    if (this.pushToTalk && !this.holding) return;
    this.parts.log.add("client", this.transport.speak(frame));
  }

  #listenNow() {
    const open = !this.muted && (!this.pushToTalk || this.holding);
    this.microphone?.getAudioTracks().forEach((track) => (track.enabled = open));
  }

  /** @param {Phase} phase */
  #phase(phase) {
    this.phase = phase;
    this.emit("phase", phase);
  }

  /** @param {Activity} activity */
  #activity(activity) {
    this.activity = activity;
    this.emit("activity", activity);
  }
}
