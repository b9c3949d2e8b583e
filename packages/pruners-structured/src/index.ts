export {
  type DependencyGroup,
  type DependencyGroups,
  dependencyGroups,
  type GroupMember,
  type Part,
  type RefusedGroup,
} from './dependency-groups.js';
