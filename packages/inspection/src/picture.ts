import { codebook, density, histogram, mask, type TensorPicture } from '@espalier/report';
import type { Costs, Described } from './costs.js';
import { sharesValues } from './other-forms.js';

/** Of dense kernels 16 centres are drawn, of others 256: as many as the notebook of Deep Compression has. */
function centroidsOf(
  { weight, facts }: Described,
  costs: Costs | undefined,
): Pick<TensorPicture, 'centroidsAre' | 'codebook'> & { centroids?: ArrayLike<number> } {
  const { name, values, shape } = weight;
  const own = sharesValues(facts) ? codebook(name, values ?? []) : undefined;
  if (own) return { codebook: own, centroids: own.values, centroidsAre: 'shared values' };
  const found = costs?.centroids.get(name);
  if (!found) return {};
  const k = shape.length <= 2 ? 16 : 256;
  return { centroids: found[k], centroidsAre: 'centres of k-means' };
}

/** What is drawn of a tensor. The map of its zeros has at most `cells` cells. */
export function pictureOf(described: Described, costs: Costs | undefined, cells: number): TensorPicture {
  const { name, shape, values = [] } = described.weight;
  const { centroids, ...named } = centroidsOf(described, costs);
  const violin = density(values);
  const zeros = described.facts.zeros > 0 ? mask(name, shape, values, { most: cells }) : undefined;
  return {
    histogram: histogram(name, values, undefined, centroids ? { centroids } : {}),
    ...named,
    ...(violin && { density: violin }),
    ...(zeros && { mask: zeros }),
  };
}
