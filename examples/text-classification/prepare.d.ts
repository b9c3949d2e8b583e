export function wordsOf(mail: Uint8Array): Promise<string>;
export function unique(mails: Iterable<readonly [label: string, mail: Uint8Array]>): Promise<string[]>;
