import { readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { none, schedule } from '@tp/core'
import { decodeModel, encodeModel } from '@tp/onnx'
import * as ort from 'onnxruntime-node'
import { prune } from './dist/index.js'
import { cls, received } from './scratch-lib.mjs'

const [, , name, shape, which, detail] = process.argv
const m = decodeModel(readFileSync('/work/shared/models/' + name + '/model.onnx'))
let model = m
if (which !== 'dense') {
  const k = Number(which.replace(/[a-z]/g, ''))
  const r = prune(m, {
    method: which.startsWith('cls') ? cls : which.startsWith('rec') ? received : none(),
    schedule: which === 'dte' ? new Map() : schedule(6, { keep: k }),
  })
  model = r.model
}
const s = await ort.InferenceSession.create(encodeModel(model), {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  enableProfiling: true,
  profileFilePrefix: '/tmp/prof',
})
const [b, n] = shape.split('x').map(Number)
const feeds = {}
for (const i of s.inputNames)
  feeds[i] =
    i === 'pixel_values'
      ? new ort.Tensor('float32', Float32Array.from({ length: b * 784 }, Math.random), [b, 1, 28, 28])
      : new ort.Tensor(
          'int64',
          BigInt64Array.from({ length: b * n }, (_, j) =>
            i === 'attention_mask' ? 1n : BigInt(j % n === 0 ? 2 : 1000 + ((j * 7919) % 4000)),
          ),
          [b, n],
        )
const R = 60
for (let r = 0; r < R; r++) await s.run(feeds)
s.endProfiling()
const f = readdirSync('/tmp')
  .filter((x) => x.startsWith('prof') && x.endsWith('.json'))
  .sort()
  .at(-1)
const ev = JSON.parse(readFileSync('/tmp/' + f))
unlinkSync('/tmp/' + f)
const agg = {},
  cnt = {}
let tot = 0
for (const e of ev)
  if (e.cat === 'Node' && e.name.endsWith('_kernel_time')) {
    const k = detail ? e.args.op_name + ' ' + e.name.slice(-70) : e.args.op_name
    agg[k] = (agg[k] ?? 0) + e.dur
    cnt[k] = (cnt[k] ?? 0) + 1
    tot += e.dur
  }
console.log(name, shape, which, 'total ms', (tot / R / 1000).toFixed(2))
for (const [k, v] of Object.entries(agg)
  .sort((a, b) => b[1] - a[1])
  .slice(0, detail ? Number(detail) : 22))
  console.log('  ', k.padEnd(26), (v / R).toFixed(0) + 'us', (cnt[k] / R).toFixed(0))
