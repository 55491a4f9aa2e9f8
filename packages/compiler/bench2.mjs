import { readFileSync } from 'node:fs'
import { none, schedule } from '@tp/core'
import { decodeModel, encodeModel } from '@tp/onnx'
import * as ort from 'onnxruntime-node'
import { countFlops, prune } from './dist/index.js'
import { cls, received } from './scratch-lib.mjs'

const S = '/work/shared/models/'
const name = process.argv[2],
  shapes = (process.argv[3] ?? '1x32,1x128,1x512,8x128').split(','),
  keeps = (process.argv[4] ?? '0.7,0.5').split(',').map(Number)
const bytes = readFileSync(S + name + '/' + (process.env.FILE ?? 'model.onnx'))
const m = decodeModel(bytes)
const models = { dense: m }
const mk = (method, sched, o = {}) => {
  const r = prune(m, { method, schedule: sched, ...o })
  if (!r.ok) throw new Error(JSON.stringify(r.refusal))
  return r.model
}
models.dte = mk(none(), new Map())
const L = Number(process.env.L ?? 6)
for (const k of keeps) {
  models['cls' + k] = mk(cls, schedule(L, { keep: k }))
  models['rec' + k] = mk(received, schedule(L, { keep: k }))
}
const opt = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 }
const ss = {}
for (const k in models) ss[k] = await ort.InferenceSession.create(encodeModel(models[k]), opt)
for (const sh of shapes) {
  const [b, n] = sh.split('x').map(Number)
  const feeds = {}
  for (const i of ss.dense.inputNames) {
    feeds[i] =
      i === 'pixel_values'
        ? new ort.Tensor('float32', Float32Array.from({ length: b * 784 }, Math.random), [b, 1, 28, 28])
        : i === 'audio'
          ? new ort.Tensor('float32', Float32Array.from({ length: b * 16000 }, Math.random), [b, 16000])
          : new ort.Tensor(
              'int64',
              BigInt64Array.from({ length: b * n }, (_, j) =>
                i === 'attention_mask' ? 1n : BigInt(j % n === 0 ? 2 : 1000 + ((j * 7919) % 4000)),
              ),
              [b, n],
            )
  }
  const times = {}
  for (const k in ss) {
    times[k] = []
    for (let w = 0; w < 3; w++) await ss[k].run(feeds)
  }
  const t0 = Date.now()
  let r = 0
  while (Date.now() - t0 < Number(process.env.MS ?? 6000) && r++ < 300)
    for (const k of Object.keys(ss).sort(() => Math.random() - 0.5)) {
      const t = performance.now()
      await ss[k].run(feeds)
      times[k].push(performance.now() - t)
    }
  const med = (a) => a.slice().sort((x, y) => x - y)[a.length >> 1]
  const ratio = (k) => med(times.dense.map((d, i) => d / times[k][i]))
  const f0 = countFlops(m, { batch: b, tokens: n })
  console.log(
    sh.padEnd(6),
    Object.keys(ss)
      .map((k) => {
        const f = f0 / countFlops(models[k], { batch: b, tokens: n })
        return `${k} ${med(times[k]).toFixed(2)}ms ${ratio(k).toFixed(2)}x(f${f.toFixed(2)})`
      })
      .join('  '),
  )
}
