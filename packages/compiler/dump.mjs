import { readFileSync } from 'node:fs'
import { schedule } from '@tp/core'
import { decodeModel } from '@tp/onnx'
import { prune } from './dist/index.js'
import { cls, received } from './scratch-lib.mjs'

const [, , name, which, blk] = process.argv
const m = decodeModel(readFileSync('/work/shared/models/' + name + '/model.onnx'))
const r = prune(m, { method: which === 'cls' ? cls : received, schedule: schedule(6, { keep: 0.5 }) })
for (const n of r.model.proto.graph.node)
  if (n.output.some((o) => o.startsWith('tp/block_' + blk)) || n.input.some((o) => o.startsWith('tp/block_' + blk)))
    console.log(
      n.opType.padEnd(14),
      n.input.map((i) => i.slice(-34)).join(' , '),
      ' -> ',
      n.output.map((i) => i.slice(-34)).join(' , '),
    )
