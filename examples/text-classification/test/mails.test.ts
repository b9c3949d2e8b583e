import { expect, test } from 'vitest';
import { unique, wordsOf } from '../prepare.js';

const mail = (headers: string, body: string): Uint8Array =>
  new TextEncoder().encode(`Received: from where it says what it is\r\n${headers}\r\n\r\n${body}`);

test('a mail is its subject and its text, decoded, without tags and other headers', async () => {
  const html = mail(
    'Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable',
    '<style>p { color: red }</style><p>Win=\r\nner</p>  <b>of =E2=82=AC 5</b>',
  );
  expect(await wordsOf(html)).toBe('Grüße Winner of € 5');
  expect(await wordsOf(mail('Subject: Re: lunch', 'At one?\r\n\r\nA.'))).toBe('Re: lunch At one? A.');
});

test('what comes twice, but for spaces and case, is taken once; what says nothing not at all', async () => {
  const lines = await unique([
    ['ham', mail('Subject: one', 'Text')],
    ['spam', mail('Subject: ONE', ' text  ')],
    ['spam', mail('X-Nothing: here', '')],
    ['spam', mail('Subject: two', 'Text')],
  ]);
  expect(lines.map((line: string) => JSON.parse(line))).toEqual([
    { text: 'one Text', label: 'ham' },
    { text: 'two Text', label: 'spam' },
  ]);
});
