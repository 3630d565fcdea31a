// One call from a page, as OpenAI's SDK for browsers places it, with both voices recorded on one clock.
async ({ seconds }) => {
  const began = performance.now();
  const decided = [];
  let recording;
  const peer = new RTCPeerConnection();
  const channel = peer.createDataChannel("oai-events");
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  peer.addTrack(microphone.getTracks()[0]);
  const remote = new Promise((resolve) => { peer.ontrack = (event) => resolve(event.streams[0]); });
  const ready = new Promise((resolve) => {
    channel.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.type === "input_audio_buffer.speech_stopped") decided.push(performance.now());
      if (event.type === "session.updated") resolve(performance.now());
    };
  });
  channel.onopen = () => channel.send(JSON.stringify({
    type: "session.update",
    session: { type: "realtime", audio: { input: { turn_detection: { type: "server_vad", silence_duration_ms: 500 } } } },
  }));
  const offer = await peer.createOffer();
  await peer.setLocalDescription(offer);
  const answer = await fetch("/v1/realtime/calls", {
    method: "POST", body: offer.sdp, headers: { "Content-Type": "application/sdp" },
  });
  if (!answer.ok) throw new Error(await answer.text());
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });

  const voice = await remote;
  const ear = new Audio();
  ear.srcObject = voice;  // Chromium gives a remote voice to Web Audio only where an element plays it as well.
  await ear.play();
  const context = new AudioContext({ sampleRate: 48000 });
  const merger = context.createChannelMerger(2);
  context.createMediaStreamSource(microphone).connect(merger, 0, 0);
  context.createMediaStreamSource(voice).connect(merger, 0, 1);
  const recorder = context.createScriptProcessor(256, 2, 1);
  const levels = [[], []];
  recorder.onaudioprocess = ({ inputBuffer }) => {
    recording ??= performance.now();
    for (const side of [0, 1]) {
      let sum = 0;
      for (const sample of inputBuffer.getChannelData(side)) sum += sample * sample;
      levels[side].push(Math.sqrt(sum / inputBuffer.length));
    }
  };
  merger.connect(recorder).connect(context.destination);
  const readyMs = (await ready) - began;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  channel.close();
  peer.close();
  await context.close();
  return { readyMs, decidedMs: decided.map((at) => at - recording), levels, blockMs: 256 / 48 };
}
