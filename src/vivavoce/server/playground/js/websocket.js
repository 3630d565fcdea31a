// @ts-check
import { Problem } from "./problems.js";
import { address } from "./server.js";
import { toBase64 } from "./pcm.js";

/**
 * A connection over a WebSocket: events and speech on one line.
 * @implements {Transport}
 */
export class WebSocketTransport {
  kind = /** @type {const} */ ("websocket");
  callId = "";
  /** @type {WebSocket | null} */ #socket = null;
  #closing = false;

  /** @param {TransportPort} port */
  constructor(port) {
    this.port = port;
  }

  /**
   * @param {string} secret
   * @returns {Promise<void>}
   */
  open(secret) {
    const url = address("v1/realtime").replace(/^http/, "ws");
    const protocols = ["realtime", ...(secret ? [`openai-insecure-api-key.${secret}`] : [])];
    const socket = (this.#socket = new WebSocket(url, protocols));
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onmessage = ({ data }) => this.port.onEvent(JSON.parse(data));
      socket.onclose = ({ code, reason }) => {
        reject(new Problem("websocket_failed", `${code} ${reason}`));
        if (!this.#closing) this.port.onClose({ code, reason });
      };
    });
  }

  /** @param {object} event */
  send(event) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  /** @param {ArrayBuffer} frame */
  speak(frame) {
    const event = { type: "input_audio_buffer.append", audio: toBase64(frame) };
    this.send(event);
    return event;
  }

  async close() {
    this.#closing = true;
    this.#socket?.close(1000);
  }
}

/**
 * @typedef {object} TransportPort whom a connection tells
 * @property {(event: any) => void} onEvent an event of the server
 * @property {(end: {code: number, reason: string}) => void} onClose the connection has ended by itself
 * @property {(stream: MediaStream) => void} [onVoice] the agent's voice, where the connection carries it
 *
 * @typedef {object} Transport
 * @property {"websocket" | "webrtc"} kind
 * @property {string} callId
 * @property {(secret: string) => Promise<void>} open resolves when events can be sent
 * @property {(event: object) => void} send
 * @property {() => Promise<void>} close resolves when the server has been told, as far as it can be
 */
