import type { VNode } from 'preact';
export function RunsPage({ place }: { place: string }): VNode {
  return <p>{place}</p>;
}
