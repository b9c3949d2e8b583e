/** The page's look: system fonts, one accent, grey for what was before; light or dark as the reader's system is. */
export const STYLE: string = `
:root{color-scheme:light dark;--page:#fbfbf9;--card:#fff;--ink:#1c211d;--soft:#5d665f;--faint:#8b938d;--rule:#e3e6e1;
--grid:#eceeea;--band:#f4f6f2;--accent:#2c7a4b;--accent-soft:#2c7a4b2e;--before:#8e97a3;--before-soft:#8e97a338;--warm:#b4690e;--blue:#3b6ea8}
@media (prefers-color-scheme:dark){:root{--page:#131614;--card:#1a1e1b;--ink:#e6eae6;--soft:#a3aca5;--faint:#7d867f;
--rule:#2b312c;--grid:#262c27;--band:#1f2420;--accent:#63c08a;--accent-soft:#63c08a38;--before:#8b95a3;--before-soft:#8b95a340;--warm:#e0a458;--blue:#7fb0e6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
main{max-width:1120px;margin:0 auto;padding:48px 24px 72px}
h1{font-size:28px;line-height:1.2;letter-spacing:-.015em;margin:0;overflow-wrap:anywhere}
h2{font-size:18px;letter-spacing:-.01em;margin:56px 0 4px}
p{margin:4px 0 0}
.note{color:var(--soft);max-width:76ch}
.meta{color:var(--soft);margin-top:6px;overflow-wrap:anywhere}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:1px;margin:32px 0 0;background:var(--rule);
border:1px solid var(--rule);border-radius:10px;overflow:hidden}
.figure{background:var(--card);padding:20px 24px 18px}
.figure b{display:block;font-size:38px;line-height:1.15;font-weight:640;letter-spacing:-.025em}
.figure:first-child b{color:var(--accent)}
.figure span{display:block;color:var(--soft)}
.figure .what{font-size:12.5px;color:var(--faint);text-transform:uppercase;letter-spacing:.06em;margin-bottom:4px}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:16px 18px;margin-top:16px}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:16px;margin-top:16px;align-items:start}
.grid3{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:16px;margin-top:16px}
.grid2>.card,.grid3>.card{margin:0;min-width:0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:7px 12px;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--rule);white-space:nowrap}
th{color:var(--soft);font-weight:550;font-size:13px}
tbody tr:last-child td{border-bottom:0}
tbody+tfoot td{border-top:1px solid var(--rule)}
tfoot td{color:var(--soft);border-bottom:0}
tfoot .total td{color:var(--ink);font-weight:600}
.n{text-align:right}
td.name{overflow-wrap:break-word;white-space:normal;min-width:150px;max-width:420px}
td .share{display:inline-block;width:64px;height:6px;border-radius:3px;background:var(--band);overflow:hidden;vertical-align:1px;margin-left:10px}
td .share i{display:block;height:100%;background:var(--accent);opacity:.75}
th button{all:unset;cursor:pointer;color:inherit;position:relative}
th button:hover{color:var(--ink)}
th button:focus-visible,label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
th[aria-sort] button{color:var(--ink)}
th button::after{content:"";position:absolute;left:100%;padding-left:2px}
th[aria-sort=ascending] button::after{content:"\\2191"}
th[aria-sort=descending] button::after{content:"\\2193"}
pre{margin:0;overflow-x:auto;font:13px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:minmax(0,max-content) minmax(0,1fr);gap:4px 24px;margin:0}
dt{color:var(--soft);overflow-wrap:anywhere}
dd{margin:0;overflow-wrap:anywhere}
.switch{border:0;padding:0;margin:12px 0 0;display:flex;gap:18px;color:var(--soft)}
.switch input{accent-color:var(--accent);margin:0 7px 0 0}
.histograms:has(#linear:checked) .log,.histograms:has(#log:checked) .linear{display:none}
.card .facts{font-size:12.5px;color:var(--soft);margin:2px 0 0}
.plot{display:block;max-width:100%;height:auto;margin:0 auto}
.plot text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--soft)}
.plot .title{font-size:13px;font-weight:600;fill:var(--ink)}
.plot .value{fill:var(--ink)}
.plot .tick{fill:var(--soft)}
.plot .end{text-anchor:end}
.plot .middle{text-anchor:middle}
.plot path{fill:none}
.plot .grid{stroke:var(--grid)}
.plot .axis{stroke:var(--faint)}
.plot .connector{stroke:var(--faint);stroke-dasharray:2 3}
.plot .band{fill:transparent}
.plot .band.alternate{fill:var(--band)}
.plot .s1,.plot .s2,.plot .s3,.plot .s4{stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.plot .s1{stroke:var(--accent)}.plot .s2{stroke:var(--before)}.plot .s3{stroke:var(--warm)}.plot .s4{stroke:var(--blue)}
.plot .s1.dot{fill:var(--accent)}.plot .s2.dot{fill:var(--before)}.plot .s3.dot{fill:var(--warm)}.plot .s4.dot{fill:var(--blue)}
.plot .dense{fill:var(--before-soft);stroke:var(--before)}
.plot .compressed{fill:var(--accent-soft);stroke:var(--accent)}
.plot .estimate{fill:var(--card);stroke:var(--accent);stroke-dasharray:3 2}
.plot .bigger{fill:var(--warm);stroke:var(--warm);fill-opacity:.25}
.plot .q1{fill:var(--accent);opacity:.18}.plot .q2{fill:var(--accent);opacity:.34}.plot .q3{fill:var(--accent);opacity:.5}
.plot .q4{fill:var(--accent);opacity:.66}.plot .q5{fill:var(--accent);opacity:.83}.plot .q6{fill:var(--accent)}
.plot .mean{stroke:var(--warm);stroke-opacity:.55}.plot .spread{stroke:var(--warm);stroke-width:4}
.plot .cells path{shape-rendering:crispEdges;stroke:var(--accent)}
.plot .k1{stroke-opacity:.2}.plot .k2{stroke-opacity:.36}.plot .k3{stroke-opacity:.52}.plot .k4{stroke-opacity:.68}.plot .k5{stroke-opacity:.84}
.plot .point{stroke-width:9;stroke-linecap:round}
.plot .halo{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.plot .way{stroke-width:1.2;stroke-dasharray:4 3;stroke-opacity:.7}
.plot .parallel{stroke-opacity:.75}
.plot .stem{stroke-width:1.4}.plot .head{stroke-width:5;stroke-linecap:round}
table.dense-table{font-size:13px}.dense-table td,.dense-table th{padding:6px 7px}.dense-table td.name{min-width:110px}
details{font-size:13px;color:var(--soft);margin-top:6px}summary{cursor:pointer}details table{margin-top:6px;font-size:13px}details td,details th{padding:3px 8px}
.plot .rug{stroke:var(--accent);stroke-width:1.2}
h3{font-size:14px;margin:0 0 4px}
.slide input{width:100%;max-width:544px;display:block;margin:10px auto;accent-color:var(--accent)}
figure.map{margin:0}.map img{image-rendering:pixelated;max-width:100%;height:auto;border:1px solid var(--rule);display:block}
.map figcaption{color:var(--faint);font-size:13px}.gallery{display:flex;flex-wrap:wrap;gap:14px}
footer{margin-top:56px;color:var(--faint);font-size:13px}
.scroll>.plot{min-width:640px}
@media (max-width:600px){main{padding:32px 16px 56px}th,td{padding:7px 8px}td.name{min-width:96px}.card{padding:14px 12px}}
@media print{main{padding:0;max-width:none}.card,.figures{break-inside:avoid}}
`;
