// Plays one scene with an official client: `node play.mjs SCENE JSON`. The last line of its output is what happened.
import { agents } from './agents.mjs';
import { openai } from './openai.mjs';

const scenes = { ...agents, ...openai };
const [name, given] = process.argv.slice(2);
const told = await scenes[name](JSON.parse(given));
process.stdout.write(`\n${JSON.stringify(told)}\n`, () => process.exit(0));
