// Scenes with the package `openai`: its realtime client and its REST calls.
import { load } from './sdk.mjs';
import { sleep, silence, tone, until } from './stage.mjs';

const OpenAI = load('openai').default ?? load('openai');
const { OpenAIRealtimeWS } = load('openai/realtime/ws');

// This client takes wss only, so a proxy stands in front of the server, with a certificate of its own.
async function open({ tls, key = 'sk-any' }, target) {
  const client = new OpenAI({ apiKey: key, baseURL: `${tls}/v1`, maxRetries: 0 });
  const socket = new OpenAIRealtimeWS({ ...target, options: { rejectUnauthorized: false } }, client);
  const events = [];
  const errors = [];
  socket.on('event', (event) => events.push(event));
  socket.on('error', (error) => errors.push(error.error ?? String(error)));
  const said = (type, count = 1) =>
    until(() => events.filter((event) => event.type === type)[count - 1], `${type}; heard ${events.map((e) => e.type)}; ${errors}`);
  await said('session.created');
  return { socket, events, errors, said };
}

function end({ socket, events, errors }, more = {}) {
  socket.close();
  return { raw: events.map((event) => event.type), errors, ...more };
}

const speak = (socket, pcm) =>
  socket.send({ type: 'input_audio_buffer.append', audio: Buffer.from(pcm).toString('base64') });

export const openai = {
  async openaiWritten(given) {
    const line = await open(given, { model: 'gpt-realtime' });
    line.socket.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'] } });
    line.socket.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello?' }] },
    });
    line.socket.send({ type: 'response.create' });
    const { response } = await line.said('response.done');
    return end(line, { text: response.output[0].content[0].text });
  },

  async openaiTranscription(given) {
    const line = await open(given, { intent: 'transcription' });
    line.socket.send({
      type: 'session.update',
      session: { type: 'transcription', audio: { input: { transcription: { model: 'whisper-1' } } } },
    });
    await line.said('session.updated');
    speak(line.socket, tone(600));
    speak(line.socket, silence(1500));
    const { transcript } = await line.said('conversation.item.input_audio_transcription.completed');
    await sleep(50);
    return end(line, { transcript });
  },

  async openaiClientSecret({ http, key, ...given }) {
    const client = new OpenAI({ apiKey: key, baseURL: `${http}/v1`, maxRetries: 0 });
    const secret = await client.realtime.clientSecrets.create({
      expires_after: { anchor: 'created_at', seconds: 60 },
      session: { type: 'realtime', model: 'gpt-realtime', instructions: 'Minted.' },
    });
    const line = await open({ ...given, key: secret.value }, { model: 'gpt-realtime' });
    const { session } = await line.said('session.created');
    return end(line, { secret, instructions: session.instructions });
  },

  async openaiModels({ http, key }) {
    const client = new OpenAI({ apiKey: key, baseURL: `${http}/v1`, maxRetries: 0 });
    const models = [];
    for await (const model of client.models.list()) models.push(model.id);
    return { models };
  },
};
