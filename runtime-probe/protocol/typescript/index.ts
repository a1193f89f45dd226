// The TypeScript side of the wire, for the extension and for the Node probe: generated records and the codec.
export * from './frames.ts';
export * from './generated/records.ts';
export * from './payloads.ts';
export * from './reader.ts';
export * from './writer.ts';
