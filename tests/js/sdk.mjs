// The packages from where they were installed (VIVAVOCE_JS): Node looks for them beside the importing file only.
import { createRequire } from 'node:module';
import path from 'node:path';

const folder = process.env.VIVAVOCE_JS;
if (!folder) throw new Error('VIVAVOCE_JS must name the folder that holds node_modules');

export const load = createRequire(path.join(path.resolve(folder), 'package.json'));

// A module that a package does not export by name.
export function loadInner(name, file) {
  return load(path.join(path.resolve(folder), 'node_modules', name, file));
}
