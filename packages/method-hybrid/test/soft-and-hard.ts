import { readFileSync } from 'node:fs'
import { prune, soften, transform } from '@tp/compiler'
import { constantOf, type Learned, type Method, type Values } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { digitsData, modelPath } from '@tp/models'
import { decodeModel, emitModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** The smallest shipped vision encoder, and some images; read once, for it takes a while. */
let example: { readonly model: Model; readonly feeds: NamedTensors; readonly output: string } | undefined
function shipped() {
  if (example !== undefined) return example
  const model = decodeModel(readFileSync(modelPath('digits-vit')))
  const digits = digitsData('calibration').filter((_, i) => i % 100 === 0)
  const pixels = digits.flatMap(({ pixels }) => Array.from(pixels, (x) => 2 * x - 1))
  const { inputs, outputs } = new Graph(model)
  const dims = [digits.length, 1, 28, 28]
  const feeds: NamedTensors = { [inputs[0]?.name ?? '']: { type: 'float32', dims, data: Float32Array.from(pixels) } }
  example = { model, feeds, output: outputs[0]?.name ?? '' }
  return example
}

/** Logits for some images: of the soft form with values as if they had been learned, and of what is pruned by them. */
export async function softAndHard(
  method: Method,
  learned: ReadonlyMap<number, Learned>,
): Promise<{ readonly soft: Float32Array; readonly hard: Float32Array }> {
  const { model, feeds, output } = shipped()
  const params = (layer: number): Values =>
    Object.fromEntries(
      Object.entries(learned.get(layer) ?? {}).map(([key, value]) => [key, constantOf(value, () => value.data)]),
    )
  const softened = soften(model, { method, layers: [...learned.keys()], params })
  const pruned = transform(
    model,
    prune({ method, schedule: method.training?.harden?.(learned, { layerCount: 6 }) ?? new Map(), params }),
  )
  const run = async (bytes: Uint8Array): Promise<Float32Array> => {
    await using session = await nodeRuntime().load(bytes, { threads: 1 })
    return (await session.run(feeds))[output]?.data as Float32Array
  }
  return {
    soft: await run(emitModel({ [output]: softened.value(output) })),
    hard: await run(encodeModel(pruned.model)),
  }
}

/** One number that was learned. */
export function scalar(value: number): Learned[string] {
  return { dtype: 'float32', dims: [], data: Float32Array.of(value) }
}
