// A session of the Agents SDK in the hands of a test: `window.stage`. Everything that happens is logged with its time.
import { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession, tool } from '@openai/agents/realtime';

const PATIENCE_MS = 25000;
const RATE = 24000;
const EVENTS = [
  'agent_start',
  'agent_end',
  'agent_tool_start',
  'agent_tool_end',
  'audio_start',
  'audio_stopped',
  'audio_interrupted',
  'guardrail_tripped',
  'tool_approval_requested',
];

// Tools that run in this page; what they are called with is kept.
const TOOLS = {
  weather: (stage) =>
    tool({
      name: 'get_weather',
      description: 'Get the weather of today.',
      strict: false,
      parameters: { type: 'object', properties: {}, required: [], additionalProperties: true },
      execute: async () => stage.calledTool('get_weather', 'It is sunny and warm today.'),
    }),
  story: (stage) =>
    tool({
      name: 'tell_story',
      description: 'Tell a story.',
      strict: false,
      parameters: { type: 'object', properties: {}, required: [], additionalProperties: true },
      execute: async () => stage.calledTool('tell_story', stage.story),
    }),
};

class Stage {
  log = [];
  audio = [];
  story =
    'Once upon a time there was a king who lived in a small house near the river. He had three sons and a daughter. ' +
    'Every morning he went down to the water and looked at the boats. One day a woman came to the door ' +
    'and asked him for a cup of water. The king gave her water and bread.';
  #waiting = new Set();

  note(kind, name, more = {}) {
    const heardMs = window.taping ? window.tape.ms : 0; // where the tape was
    this.log.push({ at: Math.round(performance.now() * 10) / 10, heardMs, kind, name, ...more });
    for (const check of [...this.#waiting]) check();
  }

  calledTool(name, result) {
    this.note('tool', name);
    return result;
  }

  async secret(session = {}) {
    const answer = await fetch('/secret', { method: 'POST', body: JSON.stringify(session) });
    return (await answer.json()).value;
  }

  async open({ url, transport = 'webrtc', tools = [], config, instructions = 'You are a helpful assistant.', key }) {
    const agent = new RealtimeAgent({
      name: 'Assistant',
      instructions,
      tools: tools.map((name) => TOOLS[name](this)),
    });
    this.session = new RealtimeSession(agent, { transport, config });
    this.#listen();
    const apiKey = key ?? (await this.secret());
    this.note('stage', 'connecting');
    await this.session.connect({ apiKey, url });
    this.note('stage', 'connected');
  }

  // Connects the same session once more.
  async again(url) {
    await this.session.connect({ apiKey: await this.secret(), url });
  }

  // Only the transport of the SDK, without a session: who has tools and history of its own is elsewhere.
  async openThin({ url, config = {} }) {
    const transport = new OpenAIRealtimeWebRTC();
    this.session = { transport, history: [], close: () => transport.close() };
    this.#listenTo(transport);
    await transport.connect({ apiKey: await this.secret(), url, initialSessionConfig: config });
    return transport.callId;
  }

  #listen() {
    const { session } = this;
    for (const name of EVENTS) session.on(name, () => this.note('session', name));
    session.on('history_updated', () => this.note('session', 'history_updated'));
    session.on('error', ({ error }) => this.note('error', error?.error?.message ?? error?.message ?? String(error), { error }));
    session.on('audio', ({ data }) => {
      this.audio.push(data);
      this.note('session', 'audio.delta');
    });
    this.#listenTo(session.transport);
  }

  #listenTo(transport) {
    transport.on('*', (event) => this.note('server', event.type, { event: terse(event) }));
    transport.on('connection_change', (status) => this.note('connection', status));
    const send = transport.sendEvent.bind(transport);
    transport.sendEvent = (event) => {
      this.note('client', event.type, { event: terse(event) });
      send(event);
    };
  }

  until(found, what) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const result = found();
        if (!result) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(result);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`waited in vain for ${what}; happened: ${this.names().join(', ')}`));
      }, PATIENCE_MS);
      this.#waiting.add(check);
      check();
    });
  }

  // What happened, as "server response.done"; without what comes many times a second.
  names() {
    return this.log.map(({ kind, name }) => `${kind} ${name}`).filter((line) => !/\.(delta|append)$/.test(line));
  }

  // Waits until the `count`th "server response.done" or the like, and returns what it holds.
  async said(line, count = 1) {
    const all = () => this.log.filter(({ kind, name }) => `${kind} ${name}` === line);
    return this.until(() => all()[count - 1], `${count} x ${line}`);
  }

  // Waits until a line of the history is as a pattern says, and returns it.
  async remembers(pattern) {
    const found = () => this.history().find((line) => new RegExp(pattern, 'i').test(line));
    return this.until(found, `${pattern} in ${JSON.stringify(this.history())}`);
  }

  history() {
    return this.session.history.map((item) => {
      if (item.type !== 'message') return `${item.type} ${item.name ?? ''}: ${item.output ?? ''}`;
      return `${item.role}: ${item.content.map((part) => part.text ?? part.transcript ?? '').join('')}`;
    });
  }

  // Waits until so much audio has come in `audio` events; the server gives it out no faster than it is spoken.
  given(ms) {
    const enough = () => this.audio.reduce((sum, { byteLength }) => sum + byteLength, 0) >= (ms * 2 * RATE) / 1000;
    return this.until(enough, `${ms} ms of audio`);
  }

  // The audio of the `audio` events, in base64.
  async spoken() {
    const whole = new FileReader();
    const loaded = new Promise((resolve) => whole.addEventListener('load', resolve));
    whole.readAsDataURL(new Blob(this.audio));
    await loaded;
    return whole.result.split(',')[1] ?? '';
  }

  // On a WebSocket the page itself carries the microphone's sound to the session.
  async listen() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const context = new AudioContext({ sampleRate: RATE });
    await context.audioWorklet.addModule('/microphone.js');
    const node = new AudioWorkletNode(context, 'microphone', { numberOfOutputs: 0 });
    context.createMediaStreamSource(stream).connect(node);
    node.port.onmessage = ({ data }) => {
      if (this.session.transport.status === 'connected') this.session.sendAudio(data.buffer);
    };
    this.deaf = async () => {
      stream.getTracks().forEach((track) => track.stop());
      await context.close();
    };
  }
}

// An event without its long strings: audio, pictures.
function terse(event) {
  return JSON.parse(JSON.stringify(event, (_, value) => (typeof value === 'string' && value.length > 2000 ? `(${value.length} characters)` : value)));
}

// A picture of noise, which no compression makes smaller, as a data URL of four bytes a pixel and a third more.
window.picture = (side) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: side, height: side });
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(side, side);
  for (let at = 0; at < pixels.data.length; at += 1) pixels.data[at] = at % 4 === 3 ? 255 : Math.random() * 256;
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL('image/png');
};
window.stage = new Stage();
