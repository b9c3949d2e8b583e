export {
  measureSensitivity,
  type Sensitivity,
  type SensitivityCurve,
  type SensitivityKind,
  type SensitivityMeasureOptions,
  type SensitivityPoint,
  sensitivityKinds,
} from './sensitivity.js';
export { bearable, suggestion } from './suggestion.js';
