// Owns what `npm run demo` does after set-up: which VS Code, which example, or the check without a screen.
import { parseArgs } from 'node:util';
import { buildDemo } from './build.ts';
import { checkExamples } from './check.ts';
import { type Example, examples } from './examples.ts';
import { desktopCommand, openDesktop, openInBrowser } from './open.ts';

const usage = `npm run demo [-- options]
  --example <name>   ${examples.map((each) => each.key).join(', ')} (default: the first)
  --browser          use the workbench in the browser even when a desktop VS Code is there
  --check            run all examples without a screen and fail unless their traces hold what they did
  --screenshots <f>  with --check: where pictures go (default: test-results/demo)`;

const { values } = parseArgs({
  options: {
    example: { type: 'string' },
    browser: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    screenshots: { type: 'string', default: 'test-results/demo' },
    help: { type: 'boolean', default: false },
  },
});

function chosen(): Example {
  const found =
    values.example === undefined ? examples[0] : examples.find((each) => each.key === values.example);
  if (found === undefined) throw new Error(`There is no example ${values.example}.\n${usage}`);
  return found;
}

if (values.help) console.log(usage);
else if (values.check) process.exitCode = await checkExamples(await buildDemo(), values.screenshots);
else {
  const example = chosen();
  const parts = await buildDemo();
  const desktop = values.browser ? undefined : desktopCommand();
  if (desktop === undefined) await openInBrowser(parts, example);
  else openDesktop(desktop, parts, example);
}
