// Reads frames of a server, one JSON text a line, and answers each with a line: "" when the Agents SDK understands
// it, else what becomes of it there. An event that its parser does not take loses its feature without a word; one
// that its transport cannot digest ends the process of the application.
import { createInterface } from 'node:readline';
import { load, loadInner } from './sdk.mjs';

const { parseRealtimeEvent, realtimeServerEventSchema } = loadInner(
  '@openai/agents-realtime',
  'dist/openaiRealtimeEvents.js',
);
const { OpenAIRealtimeWebSocket } = load('@openai/agents-realtime');

// What this SDK has no words for, whatever the server says: it passes on the raw event only.
const UNKNOWN_EVENTS = new Set([
  'conversation.item.input_audio_transcription.segment',
  'input_audio_buffer.timeout_triggered',
  'input_audio_buffer.dtmf_event_received',
  'response.mcp_call.failed',
]);

function showsAPicture(frame) {
  return frame.item?.content?.some?.((part) => part.type === 'input_image') ?? false;
}

class Transport extends OpenAIRealtimeWebSocket {
  sendEvent() {} // it is not connected; what it would ask for is not the question
  take(text) {
    this._onMessage({ data: text });
  }
}

function verdict(text) {
  const frame = JSON.parse(text);
  const { data, isGeneric } = parseRealtimeEvent({ data: text });
  if (data === null) return 'is no event at all';
  if (isGeneric && !UNKNOWN_EVENTS.has(frame.type) && !showsAPicture(frame)) {
    const issues = realtimeServerEventSchema.safeParse(frame).error.issues;
    return `is not understood: ${issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')}`;
  }
  const transport = new Transport({ useInsecureApiKey: true });
  transport.on('error', () => {});
  try {
    transport.take(text);
  } catch (error) {
    return `ends the application: ${error.message.replaceAll('\n', ' ')}`;
  }
  return '';
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(verdict(line))}\n`);
}
