export { type Photograph, type PhotographOptions, photographs } from './photographs.js';
