import { pageStyle } from '@espalier/report';
import { render } from 'preact';
import chartStyle from 'uplot/dist/uPlot.min.css';
import modelStyle from './style/model.css';
import ownStyle from './style/page.css';
import runsStyle from './style/runs.css';
import { App } from './view/app.js';

// The report's own look first, so that its parts look here as they do there.
document.adoptedStyleSheets = [pageStyle, chartStyle, ownStyle, modelStyle, runsStyle].map((text) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
});
const root = document.getElementById('studio');
const { watches, fleet } = document.documentElement.dataset;
if (root) render(<App watches={watches !== undefined} fleet={fleet !== undefined} />, root);
