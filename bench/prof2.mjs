import { startBackend } from '@espalier/backend';
import { groupHorseshoe, groupNormalJeffreys } from '@espalier/bayesian-layers';
import { createTrainer, Run } from '@espalier/core';
import { lenet300, randomData } from './lib/lenet-300-100.mjs';
const backend = await startBackend({prefer:'native'});
const data = randomData(128, 60);
const mk = async (which) => createTrainer(new Run(lenet300()), { data, epochs: 12, optimizers: backend.optimizers, ...(which && { schedules: [{ plugin: which }] }) });
const ts = { plain: await mk(), bay: await mk(groupNormalJeffreys({ pruneFrom: false, frames: false })) };
const res={plain:[],bay:[]};
for (let i=0;i<7;i++) for (const k of ['plain','bay']) { const c=process.cpuUsage(); const s=performance.now(); await ts[k].nextEpoch(); const u=process.cpuUsage(c); if(i) res[k].push([(performance.now()-s)/60,(u.user+u.system)/60000]); }
const med=(a)=>a.sort((x,y)=>x-y)[a.length>>1];
for (const k of ['plain','bay']) console.log(k,'wall',med(res[k].map(x=>x[0])).toFixed(2),'cpu',med(res[k].map(x=>x[1])).toFixed(2));
console.log('ratio wall', (med(res.bay.map(x=>x[0]))/med(res.plain.map(x=>x[0]))).toFixed(2), 'cpu', (med(res.bay.map(x=>x[1]))/med(res.plain.map(x=>x[1]))).toFixed(2));
import inspector from 'node:inspector'; import fs from 'node:fs';
if (process.argv[2]) { const s = new inspector.Session(); s.connect(); const post=(m,p)=>new Promise((r,j)=>s.post(m,p,(e,x)=>e?j(e):r(x)));
 await post('Profiler.enable'); await post('Profiler.start'); await ts.bay.nextEpoch(); await ts.bay.nextEpoch(); await ts.bay.nextEpoch(); const {profile}=await post('Profiler.stop'); fs.mkdirSync('/tmp/prof',{recursive:true}); fs.writeFileSync('/tmp/prof/p.cpuprofile',JSON.stringify(profile)); }
