// What scenes share: a session of the Agents SDK with a record of all it says, and a person who speaks in tones.
import { load } from './sdk.mjs';

const { RealtimeSession } = load('@openai/agents-realtime');

export const RATE = 24000;
const PATIENCE_MS = 25000;

export const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

// Waits until `ready()` is truthy and returns what it is.
export async function until(ready, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = ready();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what ?? ready}`);
    await sleep(5);
  }
}

// PCM16: a tone is speech to the scripted ears.
export function tone(ms, amplitude = 8000) {
  const samples = new Int16Array((RATE * ms) / 1000);
  for (let i = 0; i < samples.length; i += 1) samples[i] = amplitude * Math.sin((2 * Math.PI * 300 * i) / RATE);
  return samples.buffer;
}

export const silence = (ms) => tone(ms, 0);

const EVENTS = [
  'agent_start',
  'agent_end',
  'agent_handoff',
  'agent_tool_start',
  'agent_tool_end',
  'audio_start',
  'audio_stopped',
  'audio_interrupted',
  'guardrail_tripped',
  'tool_approval_requested',
  'mcp_tool_call_completed',
  'mcp_tools_changed',
];

export class Stage {
  events = [];
  raw = [];
  sent = [];
  errors = [];
  audioBytes = 0;
  ends = [];
  approvals = [];

  static async open(agent, { url, key = 'sk-any', config, ...options }) {
    const stage = new Stage();
    stage.session = new RealtimeSession(agent, { config, tracingDisabled: false, ...options });
    stage.#listen();
    await stage.session.connect({ apiKey: key, url });
    await stage.said('session.updated');
    return stage;
  }

  #listen() {
    const { session } = this;
    for (const name of EVENTS) session.on(name, () => this.events.push(name));
    session.on('audio', ({ data }) => (this.audioBytes += data.byteLength));
    session.on('agent_end', (_context, _agent, text) => this.ends.push(text));
    session.on('tool_approval_requested', (_context, _agent, request) => this.approvals.push(request));
    session.on('error', ({ error }) => this.errors.push(error?.error?.error ?? error?.error ?? String(error)));
    session.on('transport_event', (event) => this.raw.push(event));
    const { transport } = session;
    const send = transport.sendEvent.bind(transport);
    transport.sendEvent = (event) => {
      this.sent.push(event.type);
      send(event);
    };
  }

  // Waits until the server has said something so often, and returns the last of these events.
  said(type, count = 1) {
    const found = () => this.raw.filter((event) => event.type === type)[count - 1];
    return until(found, `${count} x ${type}; heard ${this.raw.map((event) => event.type)}`);
  }

  heard(name, count = 1) {
    return until(() => this.events.filter((event) => event === name).length >= count, `${count} x ${name}`);
  }

  // Who said what, as the SDK remembers it.
  get history() {
    return this.session.history.map((item) => {
      if (item.type !== 'message') return `${item.type} ${item.name ?? ''}: ${item.output ?? ''}`;
      const words = item.content.map((part) => part.text ?? part.transcript ?? '');
      return `${item.role}: ${words.join('')}`;
    });
  }

  async speak(ms = 600) {
    this.session.sendAudio(tone(ms));
    this.session.sendAudio(silence(1500));
  }

  end(more = {}) {
    const { events, errors, sent, history, audioBytes, ends } = this;
    this.session.close();
    return { events, errors, sent, history, audioBytes, ends, raw: this.raw.map((event) => event.type), ...more };
  }
}
