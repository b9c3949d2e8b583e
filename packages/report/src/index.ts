export type {
  Figure,
  FigureComponent,
  GalleryFigure,
  HistogramFigure,
  JointFigure,
  JointFrame,
  MapFigure,
  MapFrame,
} from '@espalier/figures';
export { ReportError } from './check.js';
export { csv } from './csv.js';
export { renderGif } from './figure/gif.js';
export {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatPoints,
  formatRatio,
  formatShape,
} from './format.js';
export { formatMeasure, type GoalView, goalView, unitOf } from './goal.js';
export { inspectionCsv } from './inspection/csv.js';
export { renderInspection } from './inspection/page.js';
export { drawTensor, type InspectionParts, inspectionParts } from './inspection/parts.js';
export { inspectionTable } from './inspection/table.js';
export type { Cost, Form, InspectedTensor, Inspection, TensorPicture } from './inspection/types.js';
export { type CodebookReport, codebook } from './measure/codebook.js';
export { type DensityReport, density } from './measure/density.js';
export { type HistogramOptions, histogram } from './measure/histogram.js';
export { type MaskReport, mask } from './measure/mask.js';
export { type Statistics, statistics } from './measure/statistics.js';
export {
  type CostView,
  drawFront,
  drawHypervolume,
  drawParallel,
  type FrontTrial,
  hypervolumes,
  paretoFront,
  type ValuedTrial,
} from './page/front.js';
export { renderReport } from './page/page.js';
export { renderSearch, type SearchTrial } from './page/search.js';
export { renderSensitivity, type SensitivityPageCurve, sensitivityCsv } from './page/sensitivity.js';
export { STYLE as pageStyle } from './page/style.js';
export { drawTrials, type SizedPoint } from './page/trials.js';
export { drawWatched } from './page/watched.js';
export { parseReport } from './parse.js';
export type {
  EnvironmentReport,
  EpochReport,
  GoalReport,
  HistogramReport,
  InferenceReport,
  MeasureReport,
  ModelFigures,
  PaperRatio,
  Report,
  StageReport,
  TensorFigures,
} from './schema.js';
export { stageTable, summarize, tensorTable } from './summarize.js';
export { type Cell, formatTable, type TableOptions } from './table.js';
export { visible } from './visible.js';
export { type WatchedTensor, type WatchLine, watchTensor } from './watch.js';
