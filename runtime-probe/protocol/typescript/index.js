// The TypeScript side of the wire, for the extension and for the Node probe: generated records and the codec.
export * from './frames.js';
export * from './generated/records.js';
export * from './payloads.js';
export * from './reader.js';
export * from './writer.js';
//# sourceMappingURL=index.js.map