// Runs a packed file, which onnxruntime in Python runs only with the operators: node run-native.mjs MODEL FEEDS.json, with [{name: {type, dims, data}}], prints the outputs likewise.
import { readFileSync } from 'node:fs'
import { nativeRuntime } from '../../packages/runtime-native/dist/index.js'

const [path, feeds] = process.argv.slice(2)
const arrays = {
  int64: (data) => BigInt64Array.from(data, BigInt),
  bool: (data) => Uint8Array.from(data, Number),
  float32: (data) => Float32Array.from(data),
}
const session = await nativeRuntime().load(path, { threads: 1 })
const results = []
for (const inputs of JSON.parse(readFileSync(feeds, 'utf8'))) {
  const tensors = Object.entries(inputs).map(([name, { type, dims, data }]) => [
    name,
    { type, dims, data: arrays[type](data) },
  ])
  const outputs = await session.run(Object.fromEntries(tensors))
  results.push(
    Object.entries(outputs).map(([name, { dims, data }]) => ({
      name,
      dims,
      data: Array.from(data, (value) => (Number.isFinite(Number(value)) ? Number(value) : 'NaN')),
    })),
  )
}
await session.close?.()
process.stdout.write(JSON.stringify(results))
