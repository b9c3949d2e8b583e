import { useEffect, useState } from 'preact/hooks';

/** What was seen last, and what went wrong since. */
export interface Looked<Seen> {
  readonly seen: Seen | undefined;
  readonly error: string;
}

/**
 * Looks again and again while the page is looked at; what was seen last stays while a look fails.
 *
 * @param look - Throws an error that says what people are told.
 * @param every - Milliseconds between two looks.
 * @param key - Looks begin anew when it changes.
 */
export function useLooks<Seen>(look: () => Promise<Seen>, every: number, key: string): Looked<Seen> {
  const [seen, setSeen] = useState<Seen>();
  const [error, setError] = useState('');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let here = true;
    const again = async (): Promise<void> => {
      const [found, wrong] = await look().then(
        (found) => [found, ''] as const,
        (error: Error) => [undefined, error.message] as const,
      );
      if (!here) return;
      if (found) setSeen(found);
      setError(wrong);
      timer = setTimeout(again, every);
    };
    void again();
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [key]);
  return { seen, error };
}
