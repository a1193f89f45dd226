// Owns the package's entry point.
// Must not start anything: importing it has no effect on the program.

export { marker, nameTask, type OpenSpan, span, startSpan } from './annotate.ts';
export * from './executor/index.ts';
export { type InitOptions, init, type Recording } from './probe/install.ts';
