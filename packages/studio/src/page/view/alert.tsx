import type { VNode } from 'preact';

/** What went wrong, told at once; nothing while there is no text. */
export function Alert({ text }: { text: string }): VNode | null {
  if (text === '') return null;
  return (
    <p role="alert" class="error">
      {text}
    </p>
  );
}
