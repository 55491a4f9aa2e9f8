import { readFileSync } from 'node:fs'
import * as ort from 'onnxruntime-node'
import { scorer, mean, schedule, none } from '@tp/core'
import { decodeModel, encodeModel } from '@tp/onnx'
import { prune } from './dist/index.js'
import { cls, received } from './scratch-lib.mjs'
const S='/work/shared/models/'
const name=process.argv[2], shapes=(process.argv[3]??'1x16,1x32,1x128,1x512,8x128').split(','), keep=Number(process.argv[4]??0.5)
const bytes=readFileSync(S+name+'/model.onnx')
const t0=performance.now()
const m=decodeModel(bytes)
const layers=6
const mk=(method,sched,o={})=>{const r=prune(m,{method,schedule:sched,...o}); if(!r.ok) throw new Error(JSON.stringify(r.refusal)); return encodeModel(r.model)}
const variants={dense:bytes, dte:mk(none(),new Map())}
variants.cls=mk(cls,schedule(layers,{keep}))
variants.received=mk(received,schedule(layers,{keep}))
console.log('prune time',performance.now()-t0)
const opt={intraOpNumThreads:1,interOpNumThreads:1,logSeverityLevel:3}
const ss={}; for(const k in variants) ss[k]=await ort.InferenceSession.create(variants[k],opt)
for(const sh of shapes){
  const [b,n]=sh.split('x').map(Number)
  const feeds={}
  for(const i of ss.dense.inputNames){ feeds[i]= i==='pixel_values'? new ort.Tensor('float32',Float32Array.from({length:b*784},Math.random),[b,1,28,28]) : new ort.Tensor('int64',BigInt64Array.from({length:b*n},(_,j)=>i==='attention_mask'?1n:BigInt(j%n===0?2:1000+((j*7919)%4000))),[b,n]) }
  const times={}; for(const k in ss){times[k]=[]; for(let w=0;w<3;w++) await ss[k].run(feeds)}
  const rounds=Math.max(9,Math.min(200,Math.floor(3000/(b*n))))
  for(let r=0;r<rounds;r++) for(const k of Object.keys(ss).sort(()=>Math.random()-.5)){const t=performance.now(); await ss[k].run(feeds); times[k].push(performance.now()-t)}
  const med=a=>a.slice().sort((x,y)=>x-y)[a.length>>1]
  console.log(sh, Object.keys(ss).map(k=>`${k} ${med(times[k]).toFixed(2)}ms ${(med(times.dense)/med(times[k])).toFixed(2)}x`).join('  '))
}
