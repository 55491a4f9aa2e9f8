import { readFileSync } from 'node:fs'
import { decodeModel, Graph, lift } from '@tp/onnx'
import { schedule } from '@tp/core'
import { prune, countFlops } from './dist/index.js'
import { Program, withEqualSizes } from './dist/program.js'
import { received } from './scratch-lib.mjs'
const m=decodeModel(readFileSync('fixtures/bert-cls-eager-ts11/model.onnx'))
for (const dt of [true,false]) { const r=prune(m,{method:received,schedule:schedule(3,{layers:[1],mass:0.8}),deadTokens:dt})
try{console.log(countFlops(r.model,{batch:1,tokens:12}))}catch(e){console.log(e.message)}
if(!dt) withEqualSizes(()=>{const p=new Program(r.model); for(const n of p.graph.nodes) if(n.output.some(o=>p.tensor(o).hasShape&&(p.tensor(o).dims.some(d=>String(d).includes('?'))||p.tensor(o).value?.some(d=>String(d).includes('?'))))) console.log(n.opType,n.input.map(i=>i+':'+p.tensor(i)).join(' | '),'->',n.output.map(o=>o+':'+p.tensor(o)+' '+(p.tensor(o).value??'')).join())})
}
