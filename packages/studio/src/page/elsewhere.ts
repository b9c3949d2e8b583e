/** What the frame is asked, and what it answers. */
export interface Asked {
  readonly url: string;
}
export interface Answered {
  readonly blob?: Blob;
  readonly error?: string;
}

/**
 * Fetches from another host by way of a frame: this page's own policy lets it ask its own server for its own files and nothing
 * else, whatever runs in it. The frame gets the address that a person typed, and nothing of a model.
 */
export async function getFromElsewhere(url: string): Promise<Blob> {
  const frame = document.createElement('iframe');
  frame.hidden = true;
  frame.src = 'fetch.html';
  document.body.append(frame);
  try {
    await new Promise((done) => frame.addEventListener('load', done, { once: true }));
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise<Answered>((done) => {
      port1.onmessage = ({ data }) => done(data as Answered);
    });
    frame.contentWindow?.postMessage({ url } satisfies Asked, location.origin, [port2]);
    const { blob, error } = await answer;
    if (!blob) throw new Error(error ?? `${url} gave nothing.`);
    return blob;
  } finally {
    frame.remove();
  }
}
