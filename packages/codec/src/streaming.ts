/** Other ways to get at a file: as it downloads, tensor by tensor, in a worker. */
export { espalierRange, type RemoteFile } from './streaming/http-range.js';
export { createDecoder, type DecodedTensor, type StreamDecoder } from './streaming/stream.js';
export { espalierStream, type Progress, type StreamOptions } from './streaming/stream-handler.js';
export { espalierWorker, type MessageSide, serveDecoder } from './streaming/worker.js';
