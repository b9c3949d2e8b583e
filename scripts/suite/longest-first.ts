import { BaseSequencer, type TestSpecification } from 'vitest/node';

const long = /webgpu-|doc-examples|fleet|runner\/test\/run\.|model-page/;

/**
 * The files that take longest begin first, so that none of them runs alone at the end; files that share a process come
 * last, and one after the other: Vitest ends the process where another follows.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number =>
      long.test(moduleId) ? 0 : project.config.isolate ? 1 : 2;
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
