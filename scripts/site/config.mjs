// What VitePress is told.
const repository = 'https://github.com/espalier-js/espalier';

export function config({ sidebar }) {
  const nav = [
    { text: 'Ten minutes', link: '/guide/getting-started' },
    { text: 'Recipes', link: '/recipe' },
    { text: 'Results', link: '/results' },
    { text: 'API', link: '/api/index.html', target: '_self' },
    { text: 'Studio', link: '/studio/index.html', target: '_self' },
    { text: 'Draw a digit', link: '/digits/index.html', target: '_self' },
  ];
  return {
    title: 'Espalier',
    description: 'Train, prune, quantise and pack TensorFlow.js models.',
    lang: 'en',
    base: '/',
    cleanUrls: false,
    // Links are checked in what comes out, those to the API too.
    ignoreDeadLinks: true,
    markdown: { lineNumbers: false },
    themeConfig: {
      nav,
      sidebar,
      search: { provider: 'local' },
      outline: { level: [2, 3] },
      socialLinks: [{ icon: 'github', link: repository }],
      footer: { message: 'Apache-2.0' },
    },
  };
}
