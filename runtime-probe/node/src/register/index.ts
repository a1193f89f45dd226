// Owns the entry that is given to `node --require`: it looks for a collector in the environment and begins, or not.
// Must do nothing else when WAKELINE is not set: not even the rest of the probe is loaded then.

if (process.env['WAKELINE']) {
  // The build makes one CommonJS file of this folder, in which a bundled module runs when `require` reaches it.
  const { startRegister } = require('./start.ts') as typeof import('./start.ts');
  startRegister();
}

export {};
