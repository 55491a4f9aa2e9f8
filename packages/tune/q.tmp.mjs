import { readFileSync } from 'node:fs'
import { quantize } from '@tp/compiler'
import { decodeModel } from '@tp/onnx'

const model = decodeModel(readFileSync(process.argv[2]))
for (let i = 0; i < 4; i++) {
  const t = process.cpuUsage()
  quantize(model)
  console.log((process.cpuUsage(t).user / 1000) | 0)
}
