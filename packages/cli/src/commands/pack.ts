import { basename } from 'node:path'
import { pack } from '@tp/compiler'
import { type NamedTensors, throwIfAborted } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { boundsFor, loadBounded } from '../bounded/bounded-runtime.ts'
import { type Command, command } from '../command/command.ts'
import { endable } from '../command/endable.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { outputsOf } from '../files/file-claims.ts'
import { largestDifference, notVerified, requireFiniteDense, requireSameShapes } from '../model/compare-outputs.ts'
import { inputRoles } from '../model/input-shapes.ts'
import { readModelFile, sizeOfFiles } from '../model/model-file.ts'
import { RefusalError } from '../model/refusal-error.ts'
import { roundingOf } from '../model/rounding.ts'
import { sampleInputs } from '../model/sample-inputs.ts'
import { stageModel } from '../model/stage-model.ts'
import { jsonDocument } from '../output/document.ts'
import { megabytes } from '../output/numbers.ts'

/** Another order of operations decides some roundings of quantised products. */
function toleranceFor(model: Model): number {
  const isQuantised = model.proto.graph?.node.some(({ opType }) => opType === 'DynamicQuantizeLinear') ?? false
  return isQuantised ? 5e-2 : roundingOf(model)
}

export const packCommand: Command = command({
  options: {
    out: { type: 'string', short: 'o', value: 'OUT', description: 'the file to write; never the model itself' },
    verify: {
      type: 'boolean',
      description: 'compare the packed model with the model before it is written, on sentences of one length',
    },
    json: { type: 'boolean', description: 'print one JSON document' },
  },
  notes: [
    'A packed file concatenates the tokens of all examples of a batch, so that padding costs nothing. Only',
    '@tp/runtime-native runs it. Prune first, then pack. An example:',
    '',
    '  tp pack pruned.onnx -o packed.onnx --verify',
  ],
  writes: ({ out }) => outputsOf({ '-o': out }, { holdsModel: true }),
  async run([path = ''], { out, verify = false, json = false }, { print, progress, signal, files }) {
    if (out === undefined) throw usageError('-o OUT is missing: the file to write')
    const start = performance.now()
    const file = await endable(() => readModelFile(path, { signal, files }))
    progress.stage(`packing ${basename(path)}`)
    const packed = await endable(() => pack(file.model))
    if (!packed.ok) throw new RefusalError(path, packed.refusal)
    await using staged = await stageModel(packed.model, file, out, signal)
    let difference: number | undefined
    if (verify) {
      progress.stage('verifying')
      const inputs = sampleInputs(file.model, inputRoles(file.model), { batch: 3, tokens: 40 })
      const bounds = boundsFor(await sizeOfFiles(file))
      const run = async (runtime: 'node' | 'native', model: string): Promise<NamedTensors> => {
        await using session = await loadBounded(model, { runtime, bounds, signal })
        return await session.run(inputs, { signal })
      }
      const expected = await run('node', path)
      requireFiniteDense(expected)
      const seen = await run('native', staged.path)
      requireSameShapes(seen, expected)
      difference = Math.max(...Object.entries(expected).map(([name, tensor]) => largestDifference(seen[name], tensor)))
      if (!(difference <= toleranceFor(file.model))) {
        throw notVerified(`packed, the outputs differ by ${difference} from those of ${path}`)
      }
    }
    throwIfAborted(signal, 'tp')
    await staged.commit()
    progress.end()
    const report = {
      ...{ model: path, out, attentions: packed.attentions, bytes: staged.bytes, dataFiles: staged.dataFiles },
      ...(difference !== undefined && { verification: { difference } }),
      milliseconds: Math.round(performance.now() - start),
    }
    print(json ? jsonDocument('pack', report) : describe(report))
    return EXIT.done
  },
})

interface PackReport {
  readonly out: string
  readonly attentions: number
  readonly bytes: number
  readonly verification?: { readonly difference: number }
}

function describe({ out, attentions, bytes, verification }: PackReport): string {
  const work =
    attentions === 0
      ? 'attention is padded, all else is packed'
      : `${attentions} ${attentions === 1 ? 'attention is' : 'attentions are'} packed`
  const checked =
    verification === undefined ? [] : [`verified: differs by at most ${verification.difference.toExponential(1)}`]
  return [`wrote ${out} (${megabytes(bytes)}): ${work}; runs in @tp/runtime-native`, ...checked].join('\n')
}
