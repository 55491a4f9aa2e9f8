import { readFileSync } from 'node:fs'
import { decodeModel, encodeModel, decodeTensor } from '@tp/onnx'
import { schedule } from '@tp/core'
import { prune } from './dist/index.js'
import { received } from './scratch-lib.mjs'
import * as ort from 'onnxruntime-node'
const d='/work/shared/fixtures/bert-tok-eager-ts14'
const gold=JSON.parse(readFileSync(d+'/pruned/received-restore.json'))
const m=decodeModel(readFileSync(d+'/model.onnx'))
const layers=Object.keys(gold.rule.keep).map(Number), tokens=Object.values(gold.rule.keep)
const r=prune(m,{method:received,schedule:schedule(3,{layers,tokens}),protect:[],restore:'all',trace:true})
const f={}; for(const i of [0,1,2]){const t=decodeTensor(readFileSync(d+'/test_data_set_0/input_'+i+'.pb')); f[t.name]=new ort.Tensor(t.type,t.data,t.dims); if(t.name=='attention_mask') console.log(t.dims, t.data.join(' '))}
const s=await ort.InferenceSession.create(encodeModel(r.model)); const o=await s.run(f)
for(const k in o) if(k!='logits') console.log(k,o[k].dims,[...o[k].data].join(' '))
const g=gold.outputs.logits.data; for(let b=0;b<2;b++) for(let i=0;i<12;i++){let mx=0; for(let c=0;c<5;c++){const j=(b*12+i)*5+c; mx=Math.max(mx,Math.abs(g[j]-o.logits.data[j]))} if(mx>1e-4) console.log(b,i,mx)}
