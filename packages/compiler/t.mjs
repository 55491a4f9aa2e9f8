import { readFileSync } from 'node:fs'
import { schedule } from '@tp/core'
import { decodeModel, encodeModel } from '@tp/onnx'
import { countFlops, keepForFlops, prune } from './dist/index.js'
import { cls } from './scratch-lib.mjs'

const t0 = performance.now()
const m = decodeModel(readFileSync('/work/shared/models/minilm-sentiment/model.onnx'))
const t1 = performance.now()
const r = prune(m, { method: cls, schedule: schedule(6, { keep: 0.5 }) })
const t2 = performance.now()
const b = encodeModel(r.model)
const t3 = performance.now()
const r2 = prune(m, { method: cls, schedule: schedule(6, { keep: 0.5 }) })
const t4 = performance.now()
console.log(
  'decode',
  t1 - t0,
  'prune',
  t2 - t1,
  'encode',
  t3 - t2,
  'prune2',
  t4 - t3,
  'rss',
  process.memoryUsage().rss / 1e6,
)
const k = keepForFlops(m, {
  method: cls,
  share: 0.5,
  at: { batch: 1, tokens: 128 },
  schedule: (keep) => schedule(6, { keep }),
})
console.log(k, performance.now() - t4)
