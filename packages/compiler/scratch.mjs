import { readFileSync, writeFileSync, readdirSync, existsSync } from 'node:fs'
import * as ort from 'onnxruntime-node'
import { scorer, mean, schedule } from '@tp/core'
import { decodeModel, encodeModel, decodeTensor } from '@tp/onnx'
import { prune } from './dist/index.js'
const S='/work/shared'
export const cls = scorer({ name:'cls', family:'attention', score: s => mean(s.clsAttention, 1) })
export const received = scorer({ name:'received', family:'attention', score: s => s.received })
const toOrt = t => new ort.Tensor(t.type, t.data, t.dims)
export async function run(bytes, feeds){ const s = await ort.InferenceSession.create(bytes,{logSeverityLevel:3}); const f={}; for(const i of s.inputNames) f[i]=toOrt(feeds[i]); const o=await s.run(f); const r={}; for(const k of s.outputNames) r[k]=o[k]; return r }
export const maxd=(a,b)=>{let m=0; if(a.length!==b.length) return Infinity; for(let i=0;i<a.length;i++) m=Math.max(m,Math.abs(Number(a[i])-Number(b[i]))); return m}
const which = process.argv[2]
const names = readdirSync(S+'/fixtures').filter(n=>existsSync(S+'/fixtures/'+n+'/fixture.json')).filter(n=>!which||n.match(which))
for (const n of names){
  const d=S+'/fixtures/'+n
  const fx=JSON.parse(readFileSync(d+'/fixture.json'))
  const bytes=readFileSync(d+'/model.onnx')
  let line=n.padEnd(32)
  try{
    const m=decodeModel(bytes,{external:(l,o,len)=>{const b=readFileSync(d+'/'+l); return b.subarray(Number(o),Number(o)+Number(len))}})
    const blocks=fx.layers
    const feedsOf=set=>{const f={}; for(const p of readdirSync(d+'/'+set).filter(x=>x.startsWith('input'))){const t=decodeTensor(readFileSync(d+'/'+set+'/'+p)); f[t.name]=t}; return f}
    const force=prune(m,{method:received,schedule:schedule(blocks,{tokens:9999,layers:[...Array(blocks).keys()]})})
    if(!force.ok){console.log(line,fx.prunable?'':'(np)','REFUSED',force.refusal.code,force.refusal.message.slice(0,100),force.refusal.node);continue}
    if(fx.external){ line+=' external '; }
    for(const set of ['test_data_set_0','test_data_set_1']){
      if(!existsSync(d+'/'+set)) continue
      const feeds=feedsOf(set)
      const out=await run(encodeModel(force.model),feeds)
      for(const p of readdirSync(d+'/'+set).filter(x=>x.startsWith('output'))){const t=decodeTensor(readFileSync(d+'/'+set+'/'+p)); line+=' force:'+maxd(out[t.name].data,t.data).toExponential(1)}
    }
    for(const g of fx.goldens??[]){
      const gold=JSON.parse(readFileSync(d+'/pruned/'+g+'.json')); if(gold.rule.method!=='prune') continue
      
      const layers=Object.keys(gold.rule.keep).map(Number), tokens=Object.values(gold.rule.keep)
      const r=prune(m,{method:gold.rule.score==='cls'?cls:received,schedule:schedule(blocks,{layers,tokens}),protect:gold.rule.protect,restore:gold.rule.restore?'all':'none',deadTokens:process.env.DTE!=='0',trace:process.env.TRACE==='1'})
      if(!r.ok){line+=` ${g}:REF ${r.refusal.code} ${r.refusal.message.slice(0,60)}`;continue}
      const out=await run(encodeModel(r.model),feedsOf(gold.inputs))
      for(const [k,v] of Object.entries(gold.outputs)) line+=` ${g}:${maxd(out[k].data,v.data).toExponential(1)}`
    }
    console.log(line,fx.prunable?'':'NOT-PRUNABLE!')
  }catch(e){console.log(line,'ERR',(e.stack??String(e)).slice(0,500))}
}
