export {
  measureSensitivity,
  type Sensitivity,
  type SensitivityCurve,
  type SensitivityKind,
  type SensitivityOptions,
  type SensitivityPoint,
  sensitivityKinds,
} from './sensitivity.js';
export { bearable, suggestion } from './suggestion.js';
