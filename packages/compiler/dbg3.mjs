import { readFileSync } from 'node:fs'
import { decodeModel, encodeModel, decodeTensor } from '@tp/onnx'
import { schedule } from '@tp/core'
import { prune, inspect } from './dist/index.js'
import { received } from './scratch-lib.mjs'
import * as ort from 'onnxruntime-node'
const d='/work/shared/fixtures/'+process.argv[2]
const gold=JSON.parse(readFileSync(d+'/pruned/'+process.argv[3]+'.json'))
const m=decodeModel(readFileSync(d+'/model.onnx'))
const layers=Object.keys(gold.rule.keep).map(Number), tokens=Object.values(gold.rule.keep)
console.log(inspect(m).blocks, gold.rule)
const r=prune(m,{method:received,schedule:schedule(3,{layers,tokens}),protect:gold.rule.protect,restore:'all',trace:true})
const f={}; for(const i of [0,1,2]){try{const t=decodeTensor(readFileSync(d+'/test_data_set_0/input_'+i+'.pb')); f[t.name]=new ort.Tensor(t.type,t.data,t.dims); if(t.name=='attention_mask') console.log(t.dims, t.data.join(' '))}catch{}}
const s=await ort.InferenceSession.create(encodeModel(r.model)); const o=await s.run(f)
for(const k in o) if(k.startsWith('tp')) console.log(k,o[k].dims,[...o[k].data].join(' '))
console.log(JSON.stringify(gold.kept))
for(const k in gold.outputs){ const g=gold.outputs[k]; const [B,N,D]=g.shape; for(let b=0;b<B;b++) for(let i=0;i<N;i++){let mx=0; for(let c=0;c<D;c++){const j=(b*N+i)*D+c; mx=Math.max(mx,Math.abs(g.data[j]-o[k].data[j]))} if(mx>1e-4) console.log(k,b,i,mx)}}
