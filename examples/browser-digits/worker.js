// Workers know no import maps: the path that the page's map gives.
import { serveDecoder } from './modules/codec/streaming.js';

serveDecoder(self);
