/** Other ways to get at a file: as it downloads, tensor by tensor, in a worker. */
export { espalierRange, type RemoteFile } from './range.js';
export { createDecoder, type DecodedTensor, type StreamDecoder } from './stream.js';
export { espalierStream, type Progress, type StreamOptions } from './stream-handler.js';
export { espalierWorker, type MessageSide, serveDecoder } from './worker.js';
