// Scenes with the Agents SDK: `RealtimeSession` over a WebSocket.
import { readFileSync } from 'node:fs';
import { load } from './sdk.mjs';
import { Stage, silence, sleep, tone, until } from './stage.mjs';

const { RealtimeAgent, backgroundResult, tool } = load('@openai/agents-realtime');
const { z } = load('zod');

const ada = (more = {}) => new RealtimeAgent({ name: 'Ada', instructions: 'Be kind.', ...more });
const WRITTEN = { outputModalities: ['text'] };
const PICTURE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const weather = tool({
  name: 'get_weather',
  description: 'Get the weather.',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `It is sunny in ${city}.`,
});
const erase = tool({
  name: 'erase',
  description: 'Erase everything.',
  parameters: z.object({}),
  needsApproval: true,
  execute: async () => 'All is gone.',
});

async function ask(stage, text = 'Hello?', count = 1) {
  stage.session.sendMessage(text);
  await stage.said('response.done', count);
}

async function withTool(given, agent, ...steps) {
  const stage = await Stage.open(agent, { ...given, config: WRITTEN });
  stage.session.sendMessage('Hello?');
  for (const step of steps) await step(stage);
  await stage.said('response.done', 2);
  return stage.end();
}

export const agents = {
  async written(given) {
    const stage = await Stage.open(ada(), { ...given, config: WRITTEN });
    await ask(stage);
    return stage.end();
  },

  async spoken(given) {
    const stage = await Stage.open(ada(), given);
    await ask(stage);
    return stage.end();
  },

  async turn(given) {
    const stage = await Stage.open(ada(), given);
    await stage.speak();
    await stage.said('response.done');
    await until(() => stage.history.some((line) => line === 'user: hello there'), 'the words of the user');
    return stage.end();
  },

  // Says what is in a file of PCM16 at 24 kHz, and waits for the words of both sides.
  async clip({ file, ...given }) {
    const stage = await Stage.open(ada(), given);
    const pcm = readFileSync(file);
    stage.session.sendAudio(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.byteLength));
    stage.session.sendAudio(silence(2500));
    await stage.said('response.done');
    await until(() => stage.history.some((line) => /^user: ./.test(line)), 'the words of the user');
    return stage.end();
  },

  async pushToTalk(given) {
    const config = { audio: { input: { turnDetection: null } } };
    const stage = await Stage.open(ada(), { ...given, config });
    stage.session.sendAudio(tone(600), { commit: true });
    await stage.said('conversation.item.done');
    stage.session.transport.sendEvent({ type: 'response.create' });
    await stage.said('response.done');
    return stage.end();
  },

  async interrupt(given) {
    const stage = await Stage.open(ada(), given);
    stage.session.sendMessage('Count.');
    await stage.heard('audio_start');
    await sleep(300);
    stage.session.interrupt();
    const cut = await stage.said('conversation.item.truncated');
    const over = await stage.said('response.done');
    await ask(stage, 'Go on.', 2);
    return stage.end({ audioEndMs: cut.audio_end_ms, status: over.response.status_details });
  },

  async bargeIn(given) {
    const stage = await Stage.open(ada(), given);
    stage.session.sendMessage('Count.');
    await stage.heard('audio_start');
    await sleep(300);
    // As in life the person goes on speaking while the client cuts the answer off, and falls silent later.
    stage.session.sendAudio(tone(600));
    const cut = await stage.said('conversation.item.truncated');
    stage.session.sendAudio(silence(1500));
    const over = await stage.said('response.done');
    await stage.said('response.done', 2);
    return stage.end({ audioEndMs: cut.audio_end_ms, status: over.response.status_details });
  },

  parallelTools: (given) => withTool(given, ada({ tools: [weather] })),

  async backgroundTool(given) {
    const note = tool({
      name: 'note',
      description: 'Note something.',
      parameters: z.object({}),
      execute: async () => backgroundResult('Noted.'),
    });
    const stage = await Stage.open(ada({ tools: [note] }), { ...given, config: WRITTEN });
    await ask(stage);
    await until(() => stage.history.some((line) => line.startsWith('function_call') && line.endsWith('Noted.')));
    return stage.end();
  },

  approve: (given) =>
    withTool(given, ada({ tools: [erase] }), async (stage) => {
      await stage.heard('tool_approval_requested');
      await stage.session.approve(stage.approvals[0].approvalItem);
    }),

  reject: (given) =>
    withTool(given, ada({ tools: [erase] }), async (stage) => {
      await stage.heard('tool_approval_requested');
      await stage.session.reject(stage.approvals[0].approvalItem);
    }),

  async handoff(given) {
    const billing = ada({ name: 'Billing', instructions: 'Talk about bills.', tools: [weather], voice: 'echo' });
    const stage = await Stage.open(ada({ handoffs: [billing], voice: 'alloy' }), given);
    await ask(stage, 'Hello?', 1);
    await ask(stage, 'My bill is wrong.', 3);
    return stage.end({ agent: stage.session.currentAgent.name });
  },

  async guardrail({ modality, ...given }) {
    const outputGuardrails = [
      {
        name: 'No secrets',
        execute: async ({ agentOutput }) => ({
          tripwireTriggered: agentOutput.includes('secret'),
          outputInfo: {},
        }),
      },
    ];
    const stage = await Stage.open(ada(), {
      ...given,
      outputGuardrails,
      outputGuardrailSettings: { debounceTextLength: 10 },
      config: { outputModalities: [modality] },
    });
    stage.session.sendMessage('Tell me.');
    await stage.heard('guardrail_tripped');
    await stage.said('response.done', 2);
    return stage.end();
  },

  async editHistory(given) {
    const stage = await Stage.open(ada(), { ...given, config: WRITTEN });
    await ask(stage, 'One');
    await ask(stage, 'Two', 2);
    const before = stage.history;
    stage.session.updateHistory((history) =>
      history
        .filter((item) => !item.content?.some((part) => part.text === 'One'))
        .map((item) =>
          item.content?.some((part) => part.text === 'Two')
            ? { ...item, content: [{ type: 'input_text', text: 'Three' }] }
            : item,
        ),
    );
    await until(() => stage.history.some((line) => line === 'user: Three'), 'the edited item');
    await ask(stage, 'Four', 3);
    return stage.end({ before });
  },

  async image(given) {
    const stage = await Stage.open(ada(), { ...given, config: WRITTEN });
    stage.session.addImage(PICTURE);
    await stage.said('response.done');
    return stage.end();
  },

  async outOfBand(given) {
    const stage = await Stage.open(ada(), { ...given, config: WRITTEN });
    stage.session.transport.sendEvent({
      type: 'response.create',
      response: {
        conversation: 'none',
        metadata: { topic: 'mood' },
        output_modalities: ['text'],
        input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'How am I?' }] }],
      },
    });
    const { response } = await stage.said('response.done');
    return stage.end({ metadata: response.metadata, conversation: response.conversation_id });
  },

  async mcp({ serverUrl, serverLabel, requireApproval = 'always', ...given }) {
    const { hostedMcpTool } = load('@openai/agents');
    const hosted = hostedMcpTool({ serverLabel, serverUrl, requireApproval });
    const stage = await Stage.open(ada({ tools: [hosted] }), { ...given, config: WRITTEN });
    await stage.heard('mcp_tools_changed');
    stage.session.sendMessage('Hello?');
    if (requireApproval === 'always') {
      await stage.heard('tool_approval_requested');
      await stage.session.approve(stage.approvals[0].approvalItem);
    }
    await stage.heard('mcp_tool_call_completed');
    await stage.said('response.done', 2);
    return stage.end({ tools: stage.session.availableMcpTools.map((each) => each.name) });
  },

  // The application has no listener for errors: the SDK ends its process when the server says one.
  async clientSecret({ http, key, url }) {
    const minted = await fetch(`${http}/v1/realtime/client_secrets`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ session: { type: 'realtime', model: 'gpt-realtime', instructions: 'Minted.' } }),
    });
    const secret = await minted.json();
    const stage = await Stage.open(ada(), { url, key: secret.value, config: WRITTEN });
    await ask(stage);
    return stage.end({ status: minted.status, secret });
  },
};
