// Before any script of a page runs: a tape of what the microphone hears and of what the peer says, on one clock.
// The page and the SDK notice nothing of it.
(() => {
  const BATCH = 480; // samples: 10 ms
  const PROCESSOR = `
    const SILENCE = new Float32Array(128);
    class Tape extends AudioWorkletProcessor {
      #batch = new Int16Array(2 * ${BATCH});
      #filled = 0;
      process([input]) {
        // Without channels as long as nothing is connected.
        const mic = input[0] ?? SILENCE;
        const agent = input[1] ?? SILENCE;
        for (let i = 0; i < mic.length; i += 1) {
          this.#batch[this.#filled++] = Math.max(-1, Math.min(1, mic[i])) * 32767;
          this.#batch[this.#filled++] = Math.max(-1, Math.min(1, agent[i])) * 32767;
          if (this.#filled === this.#batch.length) {
            this.port.postMessage(this.#batch.slice());
            this.#filled = 0;
          }
        }
        return true;
      }
    }
    registerProcessor('tape', Tape);`;
  const PATIENCE_MS = 25000;
  const LOUD = 400; // of 32767; the noise of codecs stays below

  class Tape {
    rate = 48000;
    #batches = [];
    #waiting = new Set();
    #quietMs = { mic: 0, agent: 0 };
    #ready;
    #taps = [];

    constructor() {
      this.#ready = this.#open();
    }

    async #open() {
      this.context = new AudioContext({ sampleRate: this.rate });
      const source = URL.createObjectURL(new Blob([PROCESSOR], { type: 'text/javascript' }));
      await this.context.audioWorklet.addModule(source);
      const merger = this.context.createChannelMerger(2);
      const node = new AudioWorkletNode(this.context, 'tape', { numberOfOutputs: 0 });
      merger.connect(node);
      this.#taps.push(node);
      node.port.onmessage = ({ data }) => this.#take(data);
      return merger;
    }

    async tap(stream, channel) {
      const merger = await this.#ready;
      const source = this.context.createMediaStreamSource(stream);
      const mono = this.context.createGain();
      mono.channelCount = 1;
      mono.channelCountMode = 'explicit';
      source.connect(mono).connect(merger, 0, channel);
      this.#taps.push(source, mono); // or they are collected as garbage
    }

    get ms() {
      return (this.#batches.length * BATCH * 1000) / this.rate;
    }

    #take(batch) {
      this.#batches.push(batch);
      ['mic', 'agent'].forEach((name, channel) => {
        let loudest = 0;
        for (let i = channel; i < batch.length; i += 2) loudest = Math.max(loudest, Math.abs(batch[i]));
        this.#quietMs[name] = loudest > LOUD ? 0 : this.#quietMs[name] + (BATCH * 1000) / this.rate;
      });
      for (const check of [...this.#waiting]) check();
    }

    #until(met, what) {
      return new Promise((resolve, reject) => {
        const check = () => {
          if (!met()) return;
          clearTimeout(timer);
          this.#waiting.delete(check);
          resolve(this.ms);
        };
        const timer = setTimeout(() => {
          this.#waiting.delete(check);
          reject(new Error(`waited in vain for ${what}; the tape is ${this.ms} ms long`));
        }, PATIENCE_MS);
        this.#waiting.add(check);
      });
    }

    // Resolves when somebody ('mic', 'agent') is heard; tells where on the tape, in ms.
    audible(name) {
      return this.#until(() => this.#quietMs[name] === 0, `a sound: ${name}`);
    }

    // Resolves when nothing has been heard of somebody for so long.
    quiet(name, ms) {
      return this.#until(() => this.#quietMs[name] >= ms, `${ms} ms of silence: ${name}`);
    }

    // Resolves when the tape is so much longer than now.
    after(ms) {
      const end = this.ms + ms;
      return this.#until(() => this.ms >= end, `${ms} ms`);
    }

    // All of it so far: PCM16, the microphone left, the agent right, in base64.
    async cut() {
      const reader = new FileReader();
      const loaded = new Promise((resolve) => reader.addEventListener('load', resolve));
      reader.readAsDataURL(new Blob(this.#batches));
      await loaded;
      return reader.result.split(',')[1] ?? '';
    }
  }

  let tape;
  // Opened when there is something to hear, as a page that never asks for a microphone has no use for it.
  Object.defineProperty(window, 'tape', { get: () => (tape ??= new Tape()) });

  Object.defineProperty(window, 'taping', { get: () => tape !== undefined });

  const devices = navigator.mediaDevices;
  if (!devices) return; // not a secure page
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wishes) => {
    const stream = await getUserMedia(wishes);
    // A copy, which goes on when the page mutes its own.
    if (stream.getAudioTracks().length) window.tape.tap(stream.clone(), 0);
    return stream;
  };
  window.peers = [];
  window.received = []; // what came through data channels
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      window.peers.push(this);
      this.addEventListener('track', ({ streams: [stream] }) => window.tape.tap(stream, 1));
    }

    createDataChannel(...given) {
      const channel = super.createDataChannel(...given);
      channel.addEventListener('message', ({ data }) => window.received.push(JSON.parse(data)));
      return channel;
    }
  };
})();
