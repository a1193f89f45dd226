export * from './frames.ts';
export * from './generated/records.ts';
export * from './payloads.ts';
export * from './reader.ts';
export * from './writer.ts';
