// A program with a child, to see how far NODE_OPTIONS reaches. Knows nothing of the probe.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

if (process.argv[2] === 'child') console.log('child');
else
  console.log(
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), 'child'])
      .toString()
      .trim(),
  );
