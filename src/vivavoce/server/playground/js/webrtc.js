// @ts-check
import { Problem } from "./problems.js";
import { call, hangUp } from "./server.js";

const CONNECT_MS = 8000;

/**
 * A connection over WebRTC: speech as media, events on a data channel. The server knows what was heard.
 * @implements {import("./websocket.js").Transport}
 */
export class WebRtcTransport {
  kind = /** @type {const} */ ("webrtc");
  callId = "";
  #peer = new RTCPeerConnection();
  #channel = this.#peer.createDataChannel("oai-events");
  #open = false;
  #closing = false;
  #ended = false;
  /** @type {((problem: Problem) => void) | null} */ #giveUp = null;

  /**
   * @param {import("./websocket.js").TransportPort} port
   * @param {MediaStream} voice the person's, or silence
   * @param {string} key ends a call that never opens
   */
  constructor(port, voice, key) {
    this.port = port;
    this.key = key;
    this.sender = this.#peer.addTrack(voice.getAudioTracks()[0], voice);
    this.#peer.ontrack = ({ streams, track }) => port.onVoice?.(streams[0] ?? new MediaStream([track]));
    this.#peer.onconnectionstatechange = () => {
      if (this.#peer.connectionState === "failed") this.#over("The network path broke.");
    };
    this.#channel.onmessage = ({ data }) => port.onEvent(JSON.parse(data));
    this.#channel.onclose = () => {
      if (this.#closing) return;
      this.#ended = true;
      this.#over("The server closed the call.");
    };
  }

  /** @param {string} secret */
  async open(secret) {
    const offer = await this.#peer.createOffer();
    await this.#peer.setLocalDescription(offer);
    const { answer, callId } = await call(offer.sdp ?? "", secret);
    this.callId = callId;
    await this.#peer.setRemoteDescription({ type: "answer", sdp: answer });
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Problem("webrtc_failed")), CONNECT_MS);
      this.#giveUp = (problem) => {
        clearTimeout(timer);
        reject(problem);
      };
      this.#channel.onopen = () => {
        clearTimeout(timer);
        this.#giveUp = null;
        this.#open = true;
        resolve(undefined);
      };
    });
  }

  /** @param {object} event */
  send(event) {
    if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify(event));
  }

  /**
   * Send another voice from now on.
   * @param {MediaStream} voice
   */
  async replace(voice) {
    await this.sender.replaceTrack(voice.getAudioTracks()[0]);
  }

  /** End the call; one that never opened cannot tell the server so itself. */
  async close() {
    const stays = this.callId && !this.#open && !this.#ended;
    this.#closing = true;
    this.#ended = true;
    this.#channel.close();
    this.#peer.close();
    if (stays) await hangUp(this.callId, this.key);
  }

  /** @param {string} reason */
  #over(reason) {
    if (this.#open && !this.#closing) this.port.onClose({ code: 1006, reason });
    this.#giveUp?.(new Problem("webrtc_failed", reason));
    this.#giveUp = null;
    this.#closing = true;
    this.#peer.close();
  }
}
