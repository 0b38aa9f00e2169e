export * from './event.ts';
export { encodeEvent, type Open, openEvent, type RecordingFrame, type Seal, type Sha256 } from './frame.ts';
export { decodeHeader, encodeHeader, FORMAT_VERSION, type RecordingHeader } from './header.ts';
export * from './limits.ts';
export * from './recording-reader.ts';
export * from './recording-writer.ts';
export { isSealedRecording, sealRecording, unsealRecording } from './seal-recording.ts';
export * from './timeline.ts';
export * from './verify-chain.ts';
