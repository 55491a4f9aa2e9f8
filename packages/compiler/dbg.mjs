import { readFileSync } from 'node:fs'
import { decodeModel } from '@tp/onnx'
import { Program, withEqualSizes } from './dist/program.js'
import { findAttentions } from './dist/attention.js'
import { findBlock } from './dist/block.js'
import { traceTokens } from './dist/token-axis.js'
const n=process.argv[2], lim=Number(process.argv[3]??40)
withEqualSizes(()=>{
const p=new Program(decodeModel(readFileSync('/work/shared/fixtures/'+n+'/model.onnx')))
const bs=findAttentions(p).map(a=>findBlock(p,a)).filter(Boolean)
console.log(bs.length, bs[0].input, String(p.tensor(bs[0].input)))
let t; try{ t=traceTokens(p,bs[0].input)}catch(e){console.log(e.refusal??e)}
let c=0
for(const nd of p.graph.nodes){ if(c++>lim) break; console.log(nd.opType, nd.input.map(i=>i+':'+p.tensor(i).toString()+(p.tensor(i).value?'='+p.tensor(i).value.slice(0,6):'')).join(' | '),'->',nd.output.map(o=>o+':'+p.tensor(o)+(t?.changed.get(o)?' ~ '+t.changed.get(o):'')).join(' | ')) }
})
