import type { ComponentChildren, VNode } from 'preact';

/** What may be wider or longer than its place, and is reached by keyboard then. @param label - What it is. */
export function Scroll({
  label,
  kind = 'card scroll',
  children,
}: {
  label: string;
  kind?: string;
  children: ComponentChildren;
}): VNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section class={kind} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
