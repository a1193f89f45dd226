// The wire as the probe sees it: one codec in runtime-probe/protocol/typescript serves the probe and the extension.
export * from '../../../protocol/typescript/index.ts';
