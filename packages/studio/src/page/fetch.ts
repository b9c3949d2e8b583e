import type { Answered, Asked } from './elsewhere.js';

addEventListener('message', async ({ data, ports: [port], origin }: MessageEvent<Asked>) => {
  if (origin !== location.origin || !port) return;
  let answer: Answered;
  try {
    const response = await fetch(data.url, { credentials: 'omit', referrerPolicy: 'no-referrer' });
    answer = response.ok
      ? { blob: await response.blob() }
      : { error: `${data.url} gave ${response.status}.` };
  } catch {
    answer = {
      error: `${data.url} cannot be fetched from a page: its server is not there, or does not let other pages read it. Download it, and drop it here.`,
    };
  }
  port.postMessage(answer);
});
